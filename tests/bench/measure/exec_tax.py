"""What each peer adds to an exec of /bin/true."""

import pathlib
import statistics
import subprocess

from measure import peers, plot
from measure.context import Context
from measure.report import PLAIN, Answer, Table, verdict

TITLE = "What each adds to one exec of /bin/true"
BUDGET = 1.15


def variant(peer: peers.Peer) -> list[str]:
    return ["--", *(f"{name}={value}" for name, value in peer.environment.items() if name != "PATH"), *peer.command]


def run(build: str, rounds: int, found: list[peers.Peer]) -> list[list[float]]:
    """For each peer: median and quartiles of the microseconds added, and what it takes without."""
    result = subprocess.run([f"{build}/bin/exec_tax", str(rounds), *sum(map(variant, found), [])],
                            text=True, capture_output=True, check=True, timeout=300)
    return [[float(word) for word in row.split()] for row in result.stdout.splitlines()]


def measure_bpftrace(build: str, rounds: int, blocks: int) -> tuple[float, float, float]:
    """It traces the whole machine, so that blocks take turns and not single calls."""
    added = []
    for _ in range(blocks):
        without = run(build, rounds, [peers.plain()])[0][3]
        with peers.bpftrace():
            added.append(run(build, rounds, [peers.plain()])[0][3] - without)
    return statistics.median(added), min(added), max(added)


def installed(context: Context) -> str:
    """The objects, each written in one piece: what a linker leaves in the page cache lies in single pages, which cost an
    exec 3 µs more to map than what was installed or read from disk."""
    folder = pathlib.Path(context.folder) / "installed"
    (folder / "lib").mkdir(parents=True)
    for name in ("libbench_empty.so", "libportguard.so"):
        (folder / "lib" / name).write_bytes((pathlib.Path(context.build) / "lib" / name).read_bytes())
    return str(folder)


def answer(context: Context) -> Answer:
    everyone = peers.everyone(installed(context), context.folder)
    present = [peer for peer in everyone if not peer.missing]
    fast = [peer for peer in present if not peer.command]
    slow = [peer for peer in present if peer.command]
    times = dict(zip((peer.name for peer in fast), run(context.build, context.rounds(6000, 50), fast)))
    if slow:
        times |= dict(zip((peer.name for peer in slow), run(context.build, context.rounds(200, 10), slow)))
    missing = {peer.name: peer.missing for peer in everyone if peer.missing}
    try:
        times["bpftrace"] = list(measure_bpftrace(context.build, context.rounds(300, 20), context.rounds(5, 1)))
    except peers.BpftraceUnavailable as reason:
        missing["bpftrace"] = str(reason)
    reference = times["empty object"][0]
    table = Table(["preloaded or tracing", "µs added (quartiles)", "against the empty object", "budget"])
    for name, (middle, low, high, *_) in times.items():
        table.add(name, f"{middle:.1f} ({low:.1f}-{high:.1f})", f"{middle / reference:.2f}",
                  verdict(middle / reference, BUDGET) if name == "portguard" else "-")
    for name, why in missing.items():
        table.add(f"{name}: {why}", "-", "-", "-")
    notes = [f"posix_spawn, exec and exit; {times['empty object'][3]:.0f} µs with {PLAIN}. Each pair one after the "
             "other, in turns; of bpftrace the medians of blocks, smallest and largest."]
    bars = {name: (low, middle, high) for name, (middle, low, high, *_) in times.items()}
    return Answer(TITLE, notes, table, plot.bars(TITLE, "µs added", {"": bars}, log=min(map(min, bars.values())) > 0))
