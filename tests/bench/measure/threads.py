"""Whether threads get in each other's way: calls a second on 1, 2, 4 and 8 of them."""

import statistics

from measure import kernel_calls, peers, plot
from measure.context import Context
from measure.report import PLAIN, Answer, Table, interval, spread

TITLE = "Calls a second against threads"
LOOPS = ("threads socket and close", "threads setsockopt")
THREADS = (1, 2, 4, 8)
WANTED = 1.95


def judge(own: list[float], plain: list[float]) -> str:
    """Round by round: what the machine does meanwhile hits both alike."""
    wanted = min(WANTED, statistics.median(plain))
    pairs = [mine / other for mine, other in zip(own, plain)]
    if statistics.median(own) >= wanted or statistics.median(pairs) >= 1:
        return f"≥ {wanted:.2f}"
    low, high = interval(pairs)
    return f"≥ {wanted:.2f}, " + (f"not told apart: {low:.2f}-{high:.2f} of it" if high >= 1 else "MISSED")


def answer(context: Context) -> Answer:
    both = [peers.plain(), peers.portguard(context.build)]
    found = {peer.name: [] for peer in both}
    count = 20 if context.quick else 2000
    for turn in range(context.rounds(25)):
        for peer in both if turn % 2 == 0 else reversed(both):
            found[peer.name].append({name: one["items_per_second"] for name, one in
                                     kernel_calls.run(context.build, peer, count, "^threads").items()})
    table = Table(["loop", "preloaded", *(f"million a second on {threads}" for threads in THREADS),
                   "two to one", "wanted"])
    series = {}
    for loop in LOOPS:
        ratios = {name: [one[f"{loop}/threads:2"] / one[f"{loop}/threads:1"] for one in rounds]
                  for name, rounds in found.items()}
        for name, rounds in found.items():
            rates = [statistics.median(one[f"{loop}/threads:{threads}"] for one in rounds) / 1e6 for threads in THREADS]
            label = loop.removeprefix("threads ")
            series[f"{label}, {name}"] = list(zip(THREADS, rates))
            table.add(label, name, *(f"{rate:.2f}" for rate in rates), spread(ratios[name]),
                      "-" if name == PLAIN else judge(ratios[name], ratios[PLAIN]))
    notes = ["Medians of interleaved runs, on 1, 2, 4 and 8 threads, real system calls; judged by the rounds' own pairs. "
             "That close, socket and setsockopt lock no cache line is a test of its own (tests/preload/exports_test.cpp); "
             "the layout is in shim/preload/fd_memory.h."]
    return Answer(TITLE, notes, table, plot.lines(TITLE, "threads", "million a second", series, log_x=True, legend=(0.02, 0.3)))
