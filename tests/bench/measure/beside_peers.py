"""The same calls, on real sockets, through each peer in turn with no preload."""

import statistics

from measure import kernel_calls, peers, plot
from measure.context import Context
from measure.report import PLAIN, Answer, Table, quartiles, spread

TITLE = "Calls through each peer, against no preload"


class Measured:
    def __init__(self) -> None:
        self.ratios: dict[str, list[float]] = {}
        self.why = ""

    def take(self, plain: dict[str, float], own: dict[str, float]) -> None:
        for call in kernel_calls.CALLS:
            if call in own and call in plain:
                self.ratios.setdefault(call, []).append(own[call] / plain[call])

    def cells(self) -> list[str]:
        return [spread(self.ratios[call]) if call in self.ratios else "failed" for call in kernel_calls.CALLS]


def measure_pair(build: str, peer: peers.Peer, count: int, measured: Measured, first: bool) -> dict[str, float]:
    """Who goes first changes from pair to pair."""
    order = [peer, peers.plain()] if first else [peers.plain(), peer]
    times = {one.name: kernel_calls.time_calls(build, one, count) for one in order}
    measured.take(times[PLAIN], times[peer.name])
    return times[PLAIN]


def measure_bpftrace(build: str, count: int, rounds: int) -> Measured:
    measured = Measured()
    try:
        for _ in range(rounds):
            plain = kernel_calls.time_calls(build, peers.plain(), count)
            with peers.bpftrace():
                measured.take(plain, kernel_calls.time_calls(build, peers.plain(), count))
    except peers.BpftraceUnavailable as reason:
        measured.why = str(reason)
    return measured


def measure(context: Context) -> tuple[list[dict[str, float]], dict[str, Measured]]:
    everyone = peers.everyone(context.build, context.folder)
    found = {peer.name: Measured() for peer in everyone}
    plains = []
    count = 200 if context.quick else 2000
    for turn in range(context.rounds(15)):
        for peer in everyone:
            measured = found[peer.name]
            measured.why = peer.missing or measured.why
            if measured.why:
                continue
            try:
                plains.append(measure_pair(context.build, peer, count, measured, turn % 2 == 1))
            except (RuntimeError, ValueError) as error:
                measured.why = f"it does not run: {error}"
    found["bpftrace"] = measure_bpftrace(context.build, count, context.rounds(5, 1))
    return plains, found


def answer(context: Context) -> Answer:
    plains, found = measure(context)
    table = Table(["through", *kernel_calls.CALLS])
    table.add(f"{PLAIN}, ns", *(f"{statistics.median(one[call] for one in plains):.0f}" for call in kernel_calls.CALLS))
    for name, measured in found.items():
        table.add(*([f"{name}: {measured.why}", *["-"] * len(kernel_calls.CALLS)] if measured.why
                    else [name, *measured.cells()]))
    groups = {call: {name: quartiles(measured.ratios[call]) for name, measured in found.items()
                     if call in measured.ratios} for call in kernel_calls.CALLS}
    notes = ["Ratio to no preload of the time of one call, system call included: median (quartiles) of pairs, one "
             "after the other, in one run. TCP over loopback; the clock's two readings are in all figures.",
             "libsocket_wrapper makes UNIX sockets of them; torsocks and proxychains4 are configured to let loopback "
             "pass; fiu-run fails nothing; bpftrace counts the four calls' tracepoints on the whole machine."]
    return Answer(TITLE, notes, table, plot.bars(TITLE, "times no preload", groups, log=True, base=1))
