"""Whole servers with and without the shim: throughput and 99th percentile of the time of a request."""

import csv
import pathlib
import re
import subprocess
import time

from measure import peers, plot
from measure.context import TESTS, Context, clean_environment, harness
from measure.report import Answer, Table, quartiles, spread

TITLE = "Whole servers, with portguard against without"
LEAST, MOST = 0.99, 1.02
CONNECTIONS = 32
# wrk knows no less.
SECONDS = 1
NGINX = """user root; daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{ access_log off; keepalive_requests 100000000; {keepalive}
client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "hello"; }} }} }}
"""
HAPROXY = """defaults
  mode http
  timeout client 1m
  timeout server 1m
  timeout connect 1m
  option http-server-close
frontend web
  bind 127.0.0.1:{port}
  default_backend nginx
backend nginx
  server one 127.0.0.1:{behind}
"""


def nginx(folder: str, port: int, keepalive: str = "") -> list[str]:
    own = pathlib.Path(folder, f"nginx-{port}")
    own.mkdir(exist_ok=True)
    config = own / "nginx.conf"
    config.write_text(NGINX.format(folder=own, port=port, keepalive=keepalive))
    return ["/usr/sbin/nginx", "-e", "stderr", "-c", str(config)]


def redis(folder: str, port: int) -> list[str]:
    return ["/usr/bin/redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", folder]


def haproxy(folder: str, port: int) -> list[str]:
    config = pathlib.Path(folder, f"haproxy-{port}.cfg")
    config.write_text(HAPROXY.format(port=port, behind=port + 1))
    return ["/usr/sbin/haproxy", "-db", "-f", str(config)]


def node(_folder: str, port: int) -> list[str]:
    return ["/usr/bin/node", str(TESTS / "apps/programs/server.js"), str(port)]


def wrk(port: int, seconds: int, *more: str, path: str = "/") -> tuple[float, float]:
    """Requests a second and the 99th percentile in milliseconds."""
    said = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "--latency", *more, f"http://127.0.0.1:{port}{path}"],
        env=clean_environment(), text=True, capture_output=True, check=True, timeout=60).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
    if rate == 0 or "Non-2xx" in said:
        raise RuntimeError(f"the server on port {port} does not answer as it should:\n{said}")
    return rate, float(value) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[unit]


def wrk_anew(port: int, seconds: int) -> tuple[float, float]:
    return wrk(port, seconds, "-H", "Connection: close")


def redis_benchmark(port: int, seconds: int) -> tuple[float, float]:
    said = subprocess.run(
        ["redis-benchmark", "-p", str(port), "-c", str(CONNECTIONS), "-t", "get", "-n", str(80000 * seconds),
         "--csv"], env=clean_environment(), text=True, capture_output=True, check=True, timeout=60).stdout
    row = next(csv.DictReader(said.splitlines()))
    return float(row["rps"]), float(row["p99_latency_ms"])


class Workload:
    """`servers`: commands by their distance from the workload's port."""

    def __init__(self, name: str, load, servers) -> None:
        self.name = name
        self.load = load
        self.servers = servers


WORKLOADS = [
    Workload("nginx, keep-alive", wrk, [nginx]),
    Workload("nginx, a connection a request", wrk_anew, [nginx]),
    Workload("redis, GET", redis_benchmark, [redis]),
    # Neither end keeps the connection between the two: haproxy connects for each request.
    Workload("haproxy in front of nginx", wrk,
             [haproxy, lambda folder, port: nginx(folder, port, "keepalive_timeout 0;")]),
    Workload("node http", wrk, [node]),
]


class Guarded(harness.Process):
    """A server under a peer's environment."""

    def __init__(self, peer: peers.Peer, command: list[str], folder: str) -> None:
        assignments = [f"{name}={value}" for name, value in peer.environment.items()]
        super().__init__(["/usr/bin/env", "-i", *assignments, *command], folder)


def start(context: Context, workload: Workload, peer: peers.Peer, port: int) -> list[Guarded]:
    processes = []
    for place in reversed(range(len(workload.servers))):
        command = workload.servers[place](context.folder, port + place)
        processes.append(Guarded(peer, command, context.folder))
        harness.wait_until(lambda place=place: harness.listeners(port + place), f"{command[0]} listens", processes[-1])
    wants = "libportguard" in peer.environment.get("LD_PRELOAD", "")
    for process in processes:
        if wants != ("libportguard" in pathlib.Path(f"/proc/{process.pid}/maps").read_text()):
            raise RuntimeError(f"{workload.name}: the server does not run as '{peer.name}'")
    return processes


def measure(context: Context, workload: Workload) -> tuple[list[float], list[float], float]:
    """Ratios of throughput and of p99, and the median rate without us. Servers are started anew several times:
    where one's memory lies makes a difference that stays as long as it lives.
    """
    rates, tails, plain_rates = [], [], []
    for start_number in range(context.rounds(4, 1)):
        harness.enter_new_network()
        harness.set_ephemeral_range(32768, 60999)
        both = [(peers.plain(), 8000), (peers.portguard(context.build), 9000)]
        if start_number % 2:
            both.reverse()
        processes = [process for peer, port in both for process in start(context, workload, peer, port)]
        ports = {peer.name: port for peer, port in both}
        try:
            for port in ports.values():
                workload.load(port, SECONDS)
            for turn in range(context.rounds(6, 1)):
                found = {}
                for name, port in list(ports.items())[:: -1 if turn % 2 else 1]:
                    found[name] = workload.load(port, SECONDS)
                    time.sleep(0.05)
                plain, own = (found[name] for name in (peers.PLAIN, "portguard"))
                rates.append(own[0] / plain[0])
                tails.append(own[1] / plain[1])
                plain_rates.append(plain[0])
        finally:
            for process in processes:
                process.close()
    return rates, tails, quartiles(plain_rates)[1]


def judge(ratios: list[float], wanted: float, at_least: bool) -> str:
    low, middle, high = quartiles(ratios)
    sign = "≥" if at_least else "≤"
    if (middle >= wanted) if at_least else (middle <= wanted):
        return f"{sign} {wanted}"
    return f"{sign} {wanted}, " + ("within the noise" if low <= 1 <= high else "MISSED")


def answer(context: Context) -> Answer:
    table = Table(["server", "a second, without", "throughput ratio", "throughput wanted", "p99 ratio", "p99 wanted"])
    groups: dict[str, dict] = {"throughput": {}, "p99": {}}
    for workload in WORKLOADS:
        rates, tails, plain = measure(context, workload)
        table.add(workload.name, f"{plain:,.0f}", spread(rates, 3), judge(rates, LEAST, True), spread(tails, 3),
                  judge(tails, MOST, False))
        groups["throughput"][workload.name] = quartiles(rates)
        groups["p99"][workload.name] = quartiles(tails)
    notes = [f"Ratios of pairs of runs one after the other, {CONNECTIONS} connections, the order changing: median "
             "(quartiles). The load generator shares the machine. \"Within the noise\": half of the pairs lie around 1."]
    return Answer(TITLE, notes, table, plot.bars(TITLE, "with portguard / without", groups, base=1))
