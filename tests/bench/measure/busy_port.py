"""What an answer about a busy host costs: 300 listeners, 5,100 connections of one of them, beside ss and lsof."""

import os
import resource
import shutil
import socket
import statistics

from measure import plot
from measure.context import Context, harness
from measure.growth import time_command
from measure.report import Answer, Table, quartiles, spread

TITLE = "A port with 5,100 connections"
LISTENERS, CONNECTIONS, FIRST_PORT = 300, 5100, 8000
BASE = "ss -tanp"


def commands(build: str) -> dict[str, list[str]]:
    command = f"{build}/bin/portguard"
    port = str(FIRST_PORT)
    # A peer that a machine may lack.
    lsof = {f"lsof -nP -i:{port}": ["lsof", "-nP", f"-i:{port}"]} if shutil.which("lsof") else {}
    return {"portguard who PORT": [command, "who", port], "portguard who PORT --json": [command, "who", port, "--json"],
            "portguard who": [command, "who"], "portguard check": [command, "check", "--config=/dev/null"],
            "portguard map": [command, "map", "--config=/dev/null"],
            "portguard metrics": [command, "metrics", "--config=/dev/null"], BASE: ["ss", "-tanp"], **lsof}


def answer(context: Context) -> Answer:
    harness.enter_new_network()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * CONNECTIONS + LISTENERS + 100
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), max(hard, needed)))
    kept = [socket.create_server(("127.0.0.1", FIRST_PORT + number)) for number in range(LISTENERS)]
    try:
        for _ in range(CONNECTIONS):
            kept.append(socket.create_connection(kept[0].getsockname()))
            kept.append(kept[0].accept()[0])
        found = commands(context.build)
        times = {name: [] for name in found}
        for _ in range(context.rounds(21)):
            for name, command in found.items():
                times[name].append(time_command(command))
    finally:
        for each in kept:
            each.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    base = statistics.median(times[BASE])
    table = Table(["", "ms", f"against {BASE}"])
    for name, values in times.items():
        table.add(name, spread(values), f"{statistics.median(values) / base:.2f}")
    notes = [f"Medians (quartiles), in turns, with start and end: {LISTENERS} listeners of a process that has both ends of "
             f"{CONNECTIONS:,} connections to one of them, {len([name for name in os.listdir('/proc') if name.isdigit()])} "
             "processes on the host."]
    return Answer(TITLE, notes, table, plot.bars(TITLE, "ms", {"": {name: quartiles(values) for name, values in times.items()}}))
