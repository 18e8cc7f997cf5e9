"""What the shim adds to a process's memory, before and after its first diagnosis."""

import socket

from measure import peers, plot
from measure.context import Context
from measure.report import PLAIN, Answer, Table, quartiles, spread

TITLE = "Memory added to a process"
FIELDS = ("Rss", "Pss", "Private")
PORT = 8080
# The same failing bind in all: only the shim explains it.
PROGRAM = f"""
import socket, sys
def tell():
    kib = dict.fromkeys(("Rss", "Pss", "Private"), 0)
    for line in open("/proc/self/smaps_rollup"):
        name = line.partition(":")[0].partition("_")[0]
        if name in kib and line.startswith((name + ":", "Private_Dirty:")):
            kib[name] += int(line.split()[1])
    print(*kib.values())
asking = socket.socket()
tell()
try:
    asking.bind(("127.0.0.1", {PORT}))
except OSError:
    pass
tell()
"""


def measure(peer: peers.Peer) -> list[list[int]]:
    """KiB before and after the first diagnosis."""
    said = peer.run(["/usr/bin/python3", "-S", "-E", "-c", PROGRAM])
    before, after = ([int(word) for word in row.split()] for row in said.splitlines())
    return [before, after]


def answer(context: Context) -> Answer:
    shown = [peers.empty(context.build), peers.portguard(context.build, PORTGUARD_LOG="stderr")]
    added = {peer.name: [[[] for _ in FIELDS] for _ in range(2)] for peer in shown}
    with socket.create_server(("127.0.0.1", PORT)):
        for _ in range(context.rounds(21)):
            for peer in shown:
                plain, own = measure(peers.plain()), measure(peer)
                for when in range(2):
                    for field in range(len(FIELDS)):
                        added[peer.name][when][field].append(own[when][field] - plain[when][field])
    table = Table(["preloaded", "when", "RSS, KiB", "PSS, KiB", "private, KiB"])
    groups = {field: {} for field in FIELDS}
    for name, both in added.items():
        for when, fields in zip(("before", "after the first diagnosis"), both):
            table.add(name, when, *(spread(values, 0) for values in fields))
            for field, values in zip(FIELDS, fields):
                groups[field][f"{name}, {when}"] = quartiles(values)
    notes = [f"KiB more than the same Python program with {PLAIN}: medians (quartiles) of pairs. RSS counts pages that "
             "other processes share as well; PSS counts a share of them; private pages are those that it has written "
             "itself: others, such as those of a library that nobody else uses now, can be taken back."]
    return Answer(TITLE, notes, table, plot.bars(TITLE, "KiB", groups))
