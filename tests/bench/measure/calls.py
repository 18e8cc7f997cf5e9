"""What the shim itself costs per call: time and instructions, a stub behind it answering at once."""

import json
import subprocess

from measure import instructions, plot
from measure.context import Context, clean_environment, harness
from measure.peers import PLAN
from measure.report import Answer, Table, quartiles, spread, verdict

# The kernel's own range as it is by default, and one that covers part of `listen`.
APART, COVERING = (32768, 60999), (9000, 60999)


class Row:
    """`budget`: instructions (design: close, dup2, setsockopt not watched 12; connect with nothing to do, bind 60)."""

    def __init__(self, label: str, call: str, budget: int | None = None, host: tuple[int, int] = APART,
                 environment: dict[str, str] | None = None) -> None:
        self.label = label
        self.call = call
        self.budget = budget
        self.host = host
        self.environment = PLAN if environment is None else environment


ROWS = [
    Row("close", "close", 12),
    Row("dup2", "dup2", 12),
    Row("setsockopt not watched", "setsockopt_unwatched", 12),
    Row("setsockopt watched", "setsockopt_watched"),
    Row("socket", "socket"),
    Row("bind TCP in the plan", "bind_tcp_in_plan", 60),
    Row("bind UDP in the plan", "bind_udp_in_plan", 60),
    Row("bind AF_UNIX", "bind_unix", 60),
    Row("bind refused", "bind_refused"),
    Row("listen *", "listen"),
    Row("connect, nothing to do", "connect", 60),
    Row("socket + connect, IP_LOCAL_PORT_RANGE *", "connect_fresh", None, COVERING,
        {**PLAN, "PORTGUARD_RANGE_METHOD": "socket"}),
    Row("socket + connect, explicit bind *", "connect_fresh", None, COVERING,
        {**PLAN, "PORTGUARD_RANGE_METHOD": "bind"}),
    Row("socket + connect, courtesy reuse *", "connect_fresh", None, COVERING, {"PORTGUARD_LOG": "none"}),
]


def time_call(build: str, row: Row, preload: list[str], seconds: float) -> float:
    """Nanoseconds on the CPU."""
    result = subprocess.run(
        [f"{build}/bin/stub_calls", "--benchmark_format=json", f"--benchmark_min_time={seconds}",
         f"--benchmark_filter=^{row.call}$"],
        env={**clean_environment(), **row.environment, "LD_PRELOAD": ":".join(preload)}, text=True,
        capture_output=True, check=True)
    return json.loads(result.stdout)["benchmarks"][0]["cpu_time"]


def added_times(context: Context, row: Row) -> list[float]:
    shim, stub = f"{context.build}/lib/libportguard.so", f"{context.build}/lib/libbench_stub.so"
    seconds = 0.005 if context.quick else 0.05
    return [time_call(context.build, row, [shim, stub], seconds) - time_call(context.build, row, [stub], seconds)
            for _ in range(context.rounds(11))]


def answer(context: Context) -> Answer:
    table = Table(["call", "ns (quartiles)", "instructions", "budget"])
    bars = {}
    for row in ROWS:
        harness.set_ephemeral_range(*row.host)
        times = added_times(context, row)
        bars[row.label] = quartiles(times)
        # callgrind takes seconds a call, and another test counts them all.
        counted = not context.quick or row.call == "close"
        count = instructions.per_call(context.build, row.environment, row.call) if counted else 0
        judged = verdict(count, row.budget) if row.budget and counted else "-"
        table.add(row.label, spread(times, 1), f"{count:.1f}" if counted else "not counted", judged)
    harness.set_ephemeral_range(*APART)
    notes = ["Nanoseconds of CPU time and instructions of the shim alone: with it less without it, a stub behind "
             "both that answers at once. Interleaved; medians. The budget is one of instructions.",
             "\\* A system call of our own is in the time, on a real socket under the stub's number: setsockopt, or "
             "bind."]
    return Answer("What the shim itself costs per call", notes, table,
                  plot.bars("What the shim itself costs per call", "ns", {"": bars}, log=True))
