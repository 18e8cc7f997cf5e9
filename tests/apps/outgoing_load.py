"""Load from real clients on a host whose range covers `listen`: connections and datagrams from many programs to many
destinations, counted by the server, which has each client's port from the kernel."""

import json
import os
import pathlib
import re
import resource
import subprocess
import tempfile

PROGRAMS = pathlib.Path(__file__).parent / "programs"
PORT = 9000
HAPROXY_PORT = 9001
RANGE = (9000, 60999)
LISTEN = (9000, 14999)
DEADLINE = 600
# Methods that are `portguard run`'s.
FRONT_ENDS = ("supervisor", "both")
# What each is to open of the 200,000.
TCP = {"cpp": 80000, "python": 30000, "wrk": 36000, "redis-benchmark": 30000, "haproxy": 18000, "curl": 2000,
       "node": 2000, "java": 2000}
UDP = {"cpp": 130000, "python": 60000, "node": 5000, "java": 5000}


def guard(shim: str, method: str) -> dict[str, str]:
    """The environment of a client: none of us with method "plain"; the FRONT_ENDS are no matter of the environment alone."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PORTGUARD_")}
    if method == "plain":
        return plain
    plan = {"PORTGUARD_LISTEN": f"{LISTEN[0]}-{LISTEN[1]}"}
    if method in FRONT_ENDS:
        return {**plain, **plan}
    return {**plain, **plan, "LD_PRELOAD": shim, "PORTGUARD_RANGE_METHOD": method}


class Outcome:
    """What one client did: `seen` and `inside` (ports of listen) are the server's, `failed` is the client's own.
    `seconds` are the server's, from the first to the last, so that a virtual machine's start is not among them; `cpu`
    is what the client and its helpers ran for."""

    def __init__(self, seen: int, inside: int, failed: int, seconds: float, cpu: float) -> None:
        self.seen = seen
        self.inside = inside
        self.failed = failed
        self.seconds = seconds
        self.cpu = cpu

    @property
    def success(self) -> float:
        return self.seen / max(1, self.seen + self.failed)

    @property
    def rate(self) -> float:
        return (self.seen - 1) / self.seconds


class Server:
    def __init__(self, build: str) -> None:
        self.process = subprocess.Popen(
            [f"{build}/bin/portguard_load_server", str(PORT), *map(str, LISTEN)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=guard("", "plain"))

    def counts(self, question: str = "?") -> dict[str, float]:
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def take_counts(self) -> dict[str, float]:
        """It begins anew."""
        return self.counts("")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def cpu_of_children() -> float:
    """Of those that have ended: the server is not among them yet."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(command: list[str], environment: dict[str, str]) -> str:
    """What it printed. Its exit status says nothing that the counts do not."""
    result = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, timeout=DEADLINE)
    return result.stdout


def failures_told(printed: str) -> int:
    told = re.search(r"(\d+) succeeded, (\d+) failed", printed)
    if told is None:
        raise AssertionError(f"the client did not come to its end:\n{printed}")
    return int(told.group(2))


class Load:
    """One method's load: each client by its name."""

    unguarded = guard("", "plain")

    def __init__(self, build: str, server: Server, method: str) -> None:
        self.build = build
        self.server = server
        self.environment = guard(f"{build}/lib/libportguard.so", method)
        self.prefix = [f"{build}/bin/portguard", "run", f"--front-end={method}", "--"] if method in FRONT_ENDS else []

    def measure(self, client: str, protocol: str, count: int) -> Outcome:
        self.server.take_counts()
        before = cpu_of_children()
        failed = self.start(client, protocol, count)
        cpu = cpu_of_children() - before
        counts = self.server.take_counts()
        return Outcome(counts[protocol], counts[f"{protocol}_inside"], failed, counts["seconds"], cpu)

    def run(self, command: list[str], **variables: str) -> str:
        return run(self.prefix + command, {**self.environment, **variables})

    def begin(self, server: list[str]) -> subprocess.Popen:
        return subprocess.Popen(self.prefix + server, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def start(self, client: str, protocol: str, count: int) -> int:
        commands = {"cpp": [f"{self.build}/bin/portguard_load_client"],
                    "python": ["/usr/bin/python3", str(PROGRAMS / "load_client.py")],
                    "node": ["/usr/bin/node", str(PROGRAMS / "load_client.js")],
                    "java": ["/usr/bin/java", str(PROGRAMS / "LoadClient.java")]}
        if client in commands:
            return failures_told(self.run([*commands[client], str(PORT), str(count), protocol]))
        return {"curl": self.curl, "wrk": self.wrk, "redis-benchmark": self.redis_benchmark,
                "haproxy": self.haproxy}[client](count)

    def curl(self, count: int) -> int:
        hosts = min(count, 100)
        printed = self.run(["/usr/bin/curl", "--silent", "--no-keepalive", "--output", "/dev/null", "--write-out",
                            "%{http_code}\\n", f"http://127.0.1.[1-{hosts}]:{PORT}/[1-{count // hosts}]"])
        return count - printed.count("200\n")

    def wrk(self, count: int) -> int:
        """wrk goes by time: slices of a second, each to four other destinations, until there are enough."""
        seen = failed = 0
        for turn in range(60):
            if seen >= count:
                break
            printed = self.run(["/usr/bin/wrk", "-t4", "-c40", "-d1s", "-s", str(PROGRAMS / "load_hosts.lua"),
                                f"http://127.0.1.1:{PORT}/"], LOAD_HOST=str(1 + 4 * turn))
            seen += int(re.search(r"(\d+) requests in", printed).group(1))
            errors = re.search(r"Socket errors: connect (\d+)", printed)
            failed += int(errors.group(1)) if errors else 0
        return failed

    def redis_benchmark(self, count: int) -> int:
        failed = 0
        for host in range(1, 11):
            printed = self.run(["/usr/bin/redis-benchmark", "-h", f"127.0.1.{host}", "-p", str(PORT), "-n",
                                str(count // 10), "-c", "40", "-k", "0", "-q", "-t", "ping_inline"])
            failed += 0 if "requests per second" in printed else count // 10
        return failed

    def haproxy(self, count: int) -> int:
        """The guarded one is haproxy: its connections to the servers behind it are the ones that count."""
        with tempfile.TemporaryDirectory(prefix="portguard-load-") as folder:
            servers = "\n".join(f" server s{host} 127.0.1.{host}:{PORT}" for host in range(1, 101))
            config = pathlib.Path(folder, "haproxy.cfg")
            config.write_text("defaults\n mode http\n timeout connect 5s\n timeout client 20s\n timeout server 20s\n"
                              " option httpclose\n http-reuse never\n"
                              f"frontend f\n bind 127.0.0.1:{HAPROXY_PORT}\n default_backend b\n"
                              f"backend b\n balance roundrobin\n{servers}\n")
            return self.ask_through(["/usr/sbin/haproxy", "-db", "-f", str(config)], f"http://127.0.0.1:{HAPROXY_PORT}/", count)

    def ask_through(self, server: list[str], address: str, count: int) -> int:
        """`server` is guarded and opens a connection per request. curl tries again until it is there; who asks is not guarded,
        and keeps its connection."""
        guarded = self.begin(server)
        try:
            run(["/usr/bin/curl", "--silent", "--retry", "50", "--retry-connrefused", "--retry-delay", "1", address],
                self.unguarded)
            printed = run(["/usr/bin/curl", "--silent", "--parallel", "--parallel-max", "20", "--output", "/dev/null",
                           "--write-out", "%{http_code}\\n", f"{address}[1-{count}]"], self.unguarded)
        finally:
            guarded.kill()
            guarded.wait()
        return count - printed.count("200\n")


def prepare_network() -> None:
    """For a namespace of our own."""
    pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("{} {}".format(*RANGE))
    pathlib.Path("/proc/sys/net/core/somaxconn").write_text("4096")
