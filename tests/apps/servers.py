"""The servers: how each is started on a port of 127.0.0.1, and how one request to it looks."""

import os
import pathlib
import tempfile

PROGRAMS = pathlib.Path(__file__).parent / "programs"
COMPILED = ("go", "go_cgo", "go_mptcp", "rust")
HTTP_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Server:
    """`request` must leave the connection open, as the restart is to find connections; `answer` begins the reply."""

    request = HTTP_REQUEST
    answer = b"HTTP/1."
    sets_reuseaddr = True
    sets_reuseport = False
    # What listens in it, as its stack names it: for programs of Go.
    go_package: str | None = None

    def command(self, port: int, folder: str) -> list[str]:
        raise NotImplementedError


class Nginx(Server):
    def command(self, port: int, folder: str) -> list[str]:
        config = pathlib.Path(folder, f"nginx-{port}.conf")
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config.write_text(
            f"user root;\ndaemon off;\nworker_processes 2;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{temporary}"
            f"server {{ listen 127.0.0.1:{port}; location / {{ return 200; }} }}\n}}\n")
        return ["/usr/sbin/nginx", "-e", "stderr", "-c", str(config)]


class Redis(Server):
    request = b"PING\r\n"
    answer = b"+PONG"

    def command(self, port: int, folder: str) -> list[str]:
        return ["/usr/bin/redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", folder]


class Haproxy(Server):
    sets_reuseport = True

    def command(self, port: int, folder: str) -> list[str]:
        config = pathlib.Path(folder, f"haproxy-{port}.cfg")
        config.write_text(
            "defaults\n  mode http\n  timeout client 1m\n  timeout server 1m\n  timeout connect 1m\n"
            f"frontend web\n  bind 127.0.0.1:{port}\n  http-request return status 200\n")
        return ["/usr/sbin/haproxy", "-db", "-f", str(config)]


class Memcached(Server):
    request = b"version\r\n"
    answer = b"VERSION "

    def command(self, port: int, folder: str) -> list[str]:
        return ["/usr/bin/memcached", "-u", "root", "-l", "127.0.0.1", "-p", str(port)]


class PythonHttp(Server):
    def command(self, port: int, folder: str) -> list[str]:
        return ["/usr/bin/python3", "-m", "http.server", "--protocol", "HTTP/1.1", "--bind", "127.0.0.1", str(port)]


class PythonPlain(Server):
    """socketserver leaves SO_REUSEADDR off: the one server here to which it matters who sets it."""

    request = b"hello\n"
    answer = b"hello"
    sets_reuseaddr = False

    address = "127.0.0.1"

    def command(self, port: int, folder: str) -> list[str]:
        return ["/usr/bin/python3", str(PROGRAMS / "plain_server.py"), self.address, str(port)]


class PythonDual(PythonPlain):
    """Its TIME_WAIT sockets are of IPv4-mapped addresses, and in the way of the IPv6 wildcard."""

    address = "::"


class Node(Server):
    def command(self, port: int, folder: str) -> list[str]:
        return ["/usr/bin/node", str(PROGRAMS / "server.js"), str(port)]


class Java(Server):
    def command(self, port: int, folder: str) -> list[str]:
        return ["/usr/bin/java", str(PROGRAMS / "Server.java"), str(port)]


class Etcd(Server):
    """Go, which calls the kernel without libc, as the three after it."""

    peers = 0
    go_package = "go.etcd.io/etcd/"

    def command(self, port: int, folder: str) -> list[str]:
        # The port for its like is bound first, and is not what is tested.
        self.peers += 1
        client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{9000 + self.peers}"
        # Two on one folder would wait for its lock before they bind.
        data = tempfile.mkdtemp(prefix="etcd-", dir=folder)
        return ["/usr/bin/etcd", "--data-dir", data, "--listen-client-urls", client, "--advertise-client-urls", client,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
                # Its gateway is a client of its own port.
                "--enable-grpc-gateway=false", "--log-level", "error"]


class Prometheus(Server):
    go_package = "github.com/prometheus/"

    def command(self, port: int, folder: str) -> list[str]:
        config = pathlib.Path(folder, "prometheus.yml")
        config.write_text("scrape_configs: []\n")
        data = tempfile.mkdtemp(prefix="prometheus-", dir=folder)
        return ["/usr/bin/prometheus", f"--config.file={config}", f"--storage.tsdb.path={data}",
                f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]


class NodeExporter(Server):
    def command(self, port: int, folder: str) -> list[str]:
        return ["/usr/bin/prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
                "--collector.disable-defaults"]


class BusyboxHttpd(Server):
    """Static. It hangs up behind each answer."""

    def command(self, port: int, folder: str) -> list[str]:
        pathlib.Path(folder, "index.html").write_text("hello")
        return ["/bin/busybox", "httpd", "-f", "-p", f"127.0.0.1:{port}", "-h", folder]


class NoLibc(Server):
    """Nothing but system calls, and SO_REUSEADDR off."""

    request = b"hello\n"
    answer = b"hello"
    sets_reuseaddr = False

    def command(self, port: int, folder: str) -> list[str]:
        return [str(pathlib.Path(os.environ["PORTGUARD_TEST_COMMAND"]).parent / "nolibc"), str(port)]


class Compiled(Server):
    """Go with cgo and without, Rust linked statically: compiled by tests/platforms/supervised, which names their folder."""

    request = b"hello\n"
    answer = b"hello"

    def __init__(self, name: str) -> None:
        self.name = name

    def command(self, port: int, folder: str) -> list[str]:
        return [str(pathlib.Path(os.environ["PORTGUARD_TEST_COMPILED"], self.name)), str(port)]


class Caddy(Server):
    sets_reuseport = True
    go_package = "github.com/caddyserver/"

    def command(self, port: int, folder: str) -> list[str]:
        config = pathlib.Path(folder, f"Caddyfile-{port}")
        config.write_text(f"{{\nadmin off\nauto_https off\nstorage file_system {folder}\n}}\n"
                          f"http://:{port} {{\nbind 127.0.0.1\nrespond ok\n}}\n")
        return ["/usr/bin/env", f"HOME={folder}", "/usr/bin/caddy", "run", "--adapter", "caddyfile", "--config", str(config)]


ALL = {
    "nginx": Nginx(), "redis": Redis(), "haproxy": Haproxy(), "memcached": Memcached(),
    "python_http": PythonHttp(), "python_plain": PythonPlain(),
    "python_dual": PythonDual(), "node": Node(), "java": Java(),
    "etcd": Etcd(), "prometheus": Prometheus(), "caddy": Caddy(),
    "node_exporter": NodeExporter(), "busybox_httpd": BusyboxHttpd(), "nolibc": NoLibc(),
    **{name: Compiled(name) for name in COMPILED},
}
