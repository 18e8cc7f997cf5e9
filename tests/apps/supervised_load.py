"""Load from programs that no library is loaded into, beside the clients of outgoing_load.py: what each does to open a connection
of its own for every request."""

import os
import pathlib
import tempfile
import time

import outgoing_load
import servers
from outgoing_load import DEADLINE, PORT, failures_told

PROXY_PORT = 9002
SERVER = f"127.0.0.1:{PORT}"
# What each is to open: of those that take longer, fewer.
CLIENTS = {"nolibc": 10000, "cpp": 10000, "wrk": 10000, "redis-benchmark": 10000, "python": 5000, "curl": 5000, "haproxy": 5000,
           "etcd": 2000, "caddy": 5000, "node": 1000, "java": 1000, "prometheus": 1000, "prometheus-node-exporter": 1000,
           "busybox": 200, **dict.fromkeys(servers.COMPILED, 10000)}


class SupervisedLoad(outgoing_load.Load):
    def __init__(self, build: str, server: outgoing_load.Server, method: str) -> None:
        super().__init__(build, server, method)
        folder = tempfile.TemporaryDirectory(prefix="portguard-load-")
        self.close = folder.cleanup
        self.folder = pathlib.Path(folder.name)

    def start(self, client: str, protocol: str, count: int) -> int:
        if client in servers.COMPILED:
            return failures_told(self.run([os.path.join(os.environ["PORTGUARD_TEST_COMPILED"], client), str(PORT), str(count), "tcp"]))
        own = {"nolibc": self.nolibc, "etcd": self.etcd, "caddy": self.caddy, "prometheus": self.prometheus,
               "prometheus-node-exporter": self.node_exporter, "busybox": self.busybox}
        return own[client](count) if client in own else super().start(client, protocol, count)

    def nolibc(self, count: int) -> int:
        return failures_told(self.run([f"{self.build}/bin/nolibc", str(PORT), str(count), "tcp"]))

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def etcd(self, count: int) -> int:
        """As a gateway it opens a connection for each that it accepts."""
        return self.ask_through(["/usr/bin/etcd", "gateway", "start", f"--endpoints={SERVER}",
                                 f"--listen-addr=127.0.0.1:{PROXY_PORT}"], f"http://127.0.0.1:{PROXY_PORT}/", count)

    def caddy(self, count: int) -> int:
        config = self.write("Caddyfile", "{\nadmin off\nauto_https off\n}\n"
                            f"http://:{PROXY_PORT} {{\nreverse_proxy {SERVER} {{\ntransport http {{\nkeepalive off\n}}\n}}\n}}\n")
        return self.ask_through(["/usr/bin/env", f"HOME={self.folder}", "/usr/bin/caddy", "run", "--adapter=caddyfile",
                                 f"--config={config}"], f"http://127.0.0.1:{PROXY_PORT}/", count)

    def node_exporter(self, count: int) -> int:
        """Its supervisord collector asks once a scrape."""
        return self.ask_through(["/usr/bin/prometheus-node-exporter", "--collector.disable-defaults", "--collector.supervisord",
                                 f"--collector.supervisord.url=http://{SERVER}/RPC2",
                                 f"--web.listen-address=127.0.0.1:{PROXY_PORT}"],
                                f"http://127.0.0.1:{PROXY_PORT}/metrics?", count)

    def busybox(self, count: int) -> int:
        """httpd, by a child per request."""
        script = pathlib.Path(self.write("ask", "#!/bin/busybox sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\n"
                                         f"exec /bin/busybox wget -q -O - http://{SERVER}/\n"))
        script.chmod(0o755)
        (self.folder / "cgi-bin").mkdir()
        script.rename(self.folder / "cgi-bin/ask")
        return self.ask_through(["/bin/busybox", "httpd", "-f", "-p", str(PROXY_PORT), "-h", str(self.folder)],
                                f"http://127.0.0.1:{PROXY_PORT}/cgi-bin/ask?", count)

    def prometheus(self, count: int) -> int:
        """It goes by time: a hundred targets, each 20 times a second, until there are enough."""
        targets = ", ".join(f"127.0.1.{host}:{PORT}" for host in range(1, 101))
        config = self.write("prometheus.yml", "scrape_configs:\n- job_name: load\n  scrape_interval: 50ms\n  scrape_timeout: 50ms\n"
                            f"  static_configs:\n  - targets: [{targets}]\n")
        guarded = self.begin(["/usr/bin/prometheus", f"--config.file={config}", "--log.level=error",
                              f"--storage.tsdb.path={self.folder}/data", f"--web.listen-address=127.0.0.1:{PROXY_PORT}"])
        try:
            end = time.monotonic() + DEADLINE
            while self.server.counts()["tcp"] < count and time.monotonic() < end:
                time.sleep(0.1)
        finally:
            guarded.kill()
            guarded.wait()
        # Whether a scrape failed is its own business, as what is scraped is no metric.
        return 0
