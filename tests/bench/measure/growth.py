"""How the first and a later diagnosis, who, check and metrics grow with the sockets of the host, beside ss and lsof."""

import os
import resource
import signal
import socket
import statistics
import subprocess
import time

from measure import plot
from measure.context import Context, clean_environment, harness
from measure.report import Answer, Table

TITLE = "Cost against the sockets of the host"
SOCKETS = (1000, 10000, 50000)
SOCKETS_A_PROCESS = 100
FIRST_PORT = 8000
FIRST, LATER = "first diagnosis", "later diagnosis"
IN_CGROUPS = "portguard who, processes in 50 cgroups"


class Cgroups:
    """50 of version 2, as many services have; none where this user cannot make them."""

    COUNT = 50

    def __init__(self) -> None:
        self.root = None
        for mount_point in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
            root = f"{mount_point}/portguard-bench-{os.getpid()}"
            try:
                # Of version 1, each hierarchy has a folder of its own.
                if os.path.exists(f"{mount_point}/cgroup.controllers"):
                    os.mkdir(root)
                    self.root = root
                    break
            except OSError:
                continue
        for number in range(self.COUNT if self.root else 0):
            os.mkdir(f"{self.root}/{number}")

    def enter(self, process: int) -> None:
        with open(f"{self.root}/{process % self.COUNT}/cgroup.procs", "w", encoding="ascii") as processes:
            processes.write(str(os.getpid()))

    def close(self) -> None:
        for number in range(self.COUNT if self.root else 0):
            os.rmdir(f"{self.root}/{number}")
        if self.root:
            os.rmdir(self.root)


class Population:
    """Processes with a listener each and connections to it, both ends in the process."""

    def __init__(self, sockets: int, cgroups: Cgroups | None = None) -> None:
        ready_out, ready_in = os.pipe()
        self.end_out, self.end_in = os.pipe()
        self.children = []
        for number in range(sockets // SOCKETS_A_PROCESS):
            child = os.fork()
            if child == 0:
                os.close(self.end_in)
                if cgroups is not None:
                    cgroups.enter(number)
                self.hold(FIRST_PORT + number, ready_in)
            self.children.append(child)
        os.close(ready_in)
        for _ in self.children:
            if os.read(ready_out, 1) != b"x":
                self.close()
                raise RuntimeError(f"a process cannot hold its share of {sockets} sockets")
        os.close(ready_out)

    def hold(self, port: int, ready: int) -> None:
        kept = []
        try:
            server = socket.create_server(("127.0.0.1", port), backlog=SOCKETS_A_PROCESS)
            for _ in range(SOCKETS_A_PROCESS // 2):
                kept.append(socket.create_connection(server.getsockname()))
                kept.append(server.accept()[0])
            os.write(ready, b"x")
            os.close(ready)
            os.read(self.end_out, 1)
        finally:
            os._exit(0)

    def close(self) -> None:
        os.close(self.end_in)
        os.close(self.end_out)
        for child in self.children:
            os.waitpid(child, 0)


def commands(build: str) -> dict[str, list[str]]:
    return {"portguard who": [f"{build}/bin/portguard", "who", str(FIRST_PORT)],
            "portguard check": [f"{build}/bin/portguard", "check", "--config=/dev/null"],
            "portguard metrics": [f"{build}/bin/portguard", "metrics", "--config=/dev/null"],
            "ss -tanp": ["ss", "-tanp"],
            "lsof -nP -i": ["lsof", "-nP", "-i"]}


def time_command(command: list[str]) -> float:
    """Milliseconds. Not with a timeout of run(), which then looks after 7.5, 15.5, 31.5, 63.5 ms whether it has ended."""
    signal.alarm(120)
    begin = time.monotonic()
    subprocess.run(command, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    took = 1000 * (time.monotonic() - begin)
    signal.alarm(0)
    return took


def measure(context: Context, sockets: int) -> dict[str, list[float]]:
    harness.enter_new_network()
    rounds = context.rounds(7)
    times = {FIRST: [], LATER: []}
    for _ in range(context.rounds(5, 1)):
        said = subprocess.run([f"{context.build}/bin/diagnosis_cost", str(sockets), str(sockets // SOCKETS_A_PROCESS)],
                              text=True, capture_output=True, check=True, timeout=120).stdout
        first, _, later, _ = map(float, said.split())
        times[FIRST].append(first)
        times[LATER].append(later)
    population = Population(sockets)
    try:
        found = commands(context.build)
        times |= {name: [] for name in found}
        for _ in range(rounds):
            for name, command in found.items():
                times[name].append(time_command(command))
    finally:
        population.close()
    return times | measure_in_cgroups(context, sockets)


def measure_in_cgroups(context: Context, sockets: int) -> dict[str, list[float]]:
    cgroups = Cgroups()
    if cgroups.root is None:
        return {}
    # The connections of the population before are in TIME_WAIT, on the same ports.
    harness.enter_new_network()
    try:
        population = Population(sockets, cgroups)
        try:
            command = commands(context.build)["portguard who"]
            return {IN_CGROUPS: [time_command(command) for _ in range(context.rounds(7))]}
        finally:
            population.close()
    finally:
        cgroups.close()


def answer(context: Context) -> Answer:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    sizes = SOCKETS[:2] if context.quick else SOCKETS
    found = {size: measure(context, size) for size in sizes}
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    table = Table(["", *(f"{size:,} sockets, ms" for size in sizes), f"against ss -tanp at {sizes[-1]:,}"])
    base = statistics.median(found[sizes[-1]]["ss -tanp"])
    series = {}
    for name in found[sizes[0]]:
        medians = [statistics.median(found[size][name]) for size in sizes]
        series[name] = list(zip(sizes, medians))
        table.add(name, *(f"{value:.2f}" for value in medians), f"{medians[-1] / base:.2f}")
    notes = [f"Medians, in turns; {SOCKETS_A_PROCESS} sockets a process: of the diagnoses listeners, of the rest half "
             "the ends of connections. All with their start and end."]
    return Answer(TITLE, notes, table,
                  plot.lines(TITLE, "sockets", "ms", series, log_x=True, log_y=True, legend=(0.75, 0.6)))
