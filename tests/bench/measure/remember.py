"""What a call costs more where `remember` keeps it, and a report where what it kept is read."""

import pathlib
import statistics
import tempfile

from measure import kernel_calls, peers, plot
from measure.context import Context
from measure.report import Answer, Table, quartiles, spread, verdict

TITLE = "Time that remember=stack adds to a call"
CALLS = ("bind", "connect")
BUDGET_US = 6.0


def answer(context: Context) -> Answer:
    added = {call: [] for call in CALLS}
    base = {call: [] for call in CALLS}
    count = 20 if context.quick else 2000
    with tempfile.TemporaryDirectory(prefix="portguard-bench-", dir="/dev/shm") as folder:
        ring = pathlib.Path(folder) / "ring"
        without = peers.portguard(context.build)
        keeping = peers.portguard(context.build, PORTGUARD_REMEMBER=f"file:{ring}")
        for _ in range(context.rounds(25)):
            before, after = (kernel_calls.time_calls(context.build, peer, count) for peer in (without, keeping))
            for call in CALLS:
                base[call].append(before[call] / 1000)
                added[call].append((after[call] - before[call]) / 1000)
    table = Table(["call", "without, µs", "added, µs", "budget"])
    for call in CALLS:
        table.add(call, spread(base[call]), spread(added[call]), verdict(statistics.median(added[call]), BUDGET_US))
    notes = ["Medians (quartiles) of interleaved runs; the file lies in /dev/shm, and is 32 MiB long most of the time, so that "
             "what is given back is in the figures. The stack of this program is short; 6 KiB are copied at most."]
    return Answer(TITLE, notes, table,
                  plot.bars(TITLE, "µs", {call: {"added": quartiles(added[call])} for call in CALLS}))
