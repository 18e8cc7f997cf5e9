"""What the supervisor costs: a trapped call, all others, threads that open sockets, servers of Go."""

import pathlib
import subprocess
import time

import servers as real_servers
from measure import plot, servers
from measure.context import Context, clean_environment, harness
from measure.report import Answer, Table, quartiles, spread, verdict

TITLE = "Under --front-end=supervisor, against without"
# Microseconds.
BUDGETS = {"socket and close": 8, "bind": 15}
THREADS = "on "
LEAST = 0.97
SECONDS = 1
# Other ports than the kernel's own range has: each socket is given one.
PLAN = ["--listen=5000-39999", "--ephemeral=40000-60999"]
LOADS = {"caddy": (real_servers.Caddy(), "/"), "prometheus": (real_servers.Prometheus(), "/-/healthy")}


def prefix(context: Context, supervised: bool) -> list[str]:
    command = str(pathlib.Path(context.build, "bin/portguard"))
    return [command, "run", "--front-end=supervisor", *PLAN, "--"] if supervised else []


def run_calls(context: Context, supervised: bool, count: int) -> dict[str, float]:
    said = subprocess.run([*prefix(context, supervised), str(pathlib.Path(context.build, "bin/trapped_calls")), str(count)],
                          env=clean_environment(), text=True, capture_output=True, check=True, timeout=120).stdout
    return {name: float(value) for name, value in (line.split("\t") for line in said.splitlines())}


def measure_calls(context: Context) -> dict[str, list[tuple[float, float]]]:
    """For each call, the pairs without and with."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    for turn in range(context.rounds(7, 1)):
        found = {supervised: run_calls(context, supervised, 20 if context.quick else 2000)
                 for supervised in ((False, True) if turn % 2 == 0 else (True, False))}
        for name in found[True]:
            pairs.setdefault(name, []).append((found[False][name], found[True][name]))
    return pairs


def start(context: Context, server: real_servers.Server, port: int, supervised: bool) -> harness.Process:
    process = harness.Process([*prefix(context, supervised), *server.command(port, context.folder)], context.folder)
    harness.wait_until(lambda: harness.listeners(port), "the server listens", process)
    return process


def measure_server(context: Context, name: str) -> list[tuple[float, float]]:
    server, path = LOADS[name]
    pairs = []
    for start_number in range(context.rounds(4, 1)):
        harness.enter_new_network()
        harness.set_ephemeral_range(32768, 60999)
        ports = {False: 8000, True: 9000}
        order = [False, True] if start_number % 2 == 0 else [True, False]
        processes = []
        try:
            for supervised in order:
                processes.append(start(context, server, ports[supervised], supervised))
            for port in ports.values():
                servers.wrk(port, SECONDS, path=path)
            for turn in range(context.rounds(6, 1)):
                found = {}
                for supervised in order[:: -1 if turn % 2 else 1]:
                    found[supervised] = servers.wrk(ports[supervised], SECONDS, path=path)[0]
                    time.sleep(0.05)
                pairs.append((found[False], found[True]))
        finally:
            for process in processes:
                process.close()
    return pairs


def answer(context: Context) -> Answer:
    table = Table(["what", "unit", "without", "with", "with / without", "wanted"])
    drawn: dict[str, tuple[float, float, float]] = {}
    harness.set_ephemeral_range(32768, 60999)
    for name, pairs in measure_calls(context).items():
        is_of_threads = name.startswith(THREADS)
        with_us = [own for _, own in pairs]
        wanted = verdict(quartiles(with_us)[1], BUDGETS[name]) if name in BUDGETS else "-"
        digits = 3 if name == "getppid" else 2
        table.add(f"socket and close {name}" if is_of_threads else name, "thousand a second" if is_of_threads else "µs",
                  spread([plain for plain, _ in pairs], digits), spread(with_us, digits),
                  spread([own / plain for plain, own in pairs]), wanted)
        if not is_of_threads:
            drawn[name] = quartiles(with_us)
    for name in LOADS:
        pairs = measure_server(context, name)
        ratios = [own / plain for plain, own in pairs]
        table.add(name, "requests a second", f"{quartiles([plain for plain, _ in pairs])[1]:,.0f}",
                  f"{quartiles([own for _, own in pairs])[1]:,.0f}", spread(ratios, 3), servers.judge(ratios, LEAST, True))
    notes = ["Medians (quartiles) of pairs of runs one after the other, the order changing; of a call each run's best of ten "
             "rounds. getppid stands for every call that the filter lets pass. Threads are answered by as many of the "
             "supervisor's as there are CPUs, which the program needs as well."]
    return Answer(TITLE, notes, table, plot.bars(TITLE, "µs a call, with the supervisor", {"calls": drawn}))
