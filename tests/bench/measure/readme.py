"""The page of costs, README.md in the folder of results: every figure read from the tables that stand in a folder."""

import pathlib
import re

from measure.report import Table, read_rows

SHOWN = ("calls", "peers", "exec", "servers", "outgoing-load", "supervisor", "growth", "threads", "memory")


def rows_by_first(folder: pathlib.Path, name: str) -> dict[str, dict[str, str]]:
    return {next(iter(row.values())): row for row in read_rows(folder, name)}


def machines(folder: pathlib.Path) -> str:
    """Machine, kernel and date, which each result says in one line; the results that share one together."""
    found: dict[str, list[str]] = {}
    for path in (folder / f"{name}.md" for name in SHOWN):
        if path.exists():
            said = re.search(r"^.*, Linux .*?, \d{4}-\d\d-\d\d", path.read_text(), re.MULTILINE)
            found.setdefault(said.group(), []).append(path.stem)
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{', '.join(names)}: {machine}" for machine, names in found.items())


def middle(cell: str) -> str:
    return cell.partition(" ")[0]


def calls(folder: pathlib.Path) -> Table:
    table = Table(["the shim itself, behind a stub", "ns", "instructions", "budget"])
    for label, row in rows_by_first(folder, "calls").items():
        table.add(label.replace(" *", "\\*"), middle(row["ns (quartiles)"]), row["instructions"], row["budget"])
    return table


def beside(folder: pathlib.Path) -> Table:
    peers, execs = rows_by_first(folder, "peers"), rows_by_first(folder, "exec")
    columns = [name for name in next(iter(peers.values())) if name != "through"]
    table = Table(["times no preload", *columns, "exec, µs added"])
    for name, row in peers.items():
        added = middle(execs[name]["µs added (quartiles)"]) if name in execs else "-"
        table.add(name, *(middle(row[column]) for column in columns), added)
    return table


def servers(folder: pathlib.Path) -> Table:
    table = Table(["with / without", "throughput", "wanted", "p99", "wanted"])
    for name, row in rows_by_first(folder, "servers").items():
        table.add(name, row["throughput ratio"], row["throughput wanted"], row["p99 ratio"], row["p99 wanted"])
    return table


def growth(folder: pathlib.Path) -> Table:
    rows = read_rows(folder, "growth")
    columns = list(rows[0])
    table = Table(["milliseconds", *(name.removesuffix(", ms") for name in columns[1:-1])])
    for row in rows:
        table.add(*(row[name] for name in columns[:-1]))
    return table


def outgoing(folder: pathlib.Path) -> Table:
    """What tests/bench/outgoing-load has written."""
    table = Table(["connections a second, with / without", "by IP_LOCAL_PORT_RANGE", "wanted", "by an explicit bind",
                   "wanted"])
    cells: dict[str, list[str]] = {}
    for row in read_rows(folder, "outgoing-load"):
        if row["protocol"] == "tcp" and row["method"] != "plain":
            cells.setdefault(row["client"], []).extend([row["against plain (95 %)"], row["wanted"]])
    for client, ratios in cells.items():
        table.add(client, *ratios)
    return table


def supervisor(folder: pathlib.Path) -> Table:
    table = Table(["under --front-end=supervisor", "unit", "without", "with", "with / without", "wanted"])
    for row in read_rows(folder, "supervisor"):
        table.add(row["what"], row["unit"], middle(row["without"]), middle(row["with"]), row["with / without"], row["wanted"])
    return table


def sentences(folder: pathlib.Path) -> str:
    threads = [row for row in read_rows(folder, "threads") if row["preloaded"] == "portguard"]
    plain = [row for row in read_rows(folder, "threads") if row["preloaded"] != "portguard"]
    pairs = "; ".join(f"{own['loop']} {middle(own['two to one'])} (no preload: {middle(other['two to one'])}; {own['wanted']})"
                      for own, other in zip(threads, plain))
    memory = {row["when"]: row for row in read_rows(folder, "memory") if row["preloaded"] == "portguard"}
    before, after = memory["before"], memory["after the first diagnosis"]
    tax = rows_by_first(folder, "exec")["portguard"]
    return (f"An exec: {tax['against the empty object']} times what an empty preloaded object adds "
            f"({tax['budget']}). Two threads against one: {pairs}. Memory of a process: "
            f"{middle(before['private, KiB'])} KiB of its own, {middle(before['RSS, KiB'])} with what is shared; after "
            f"its first diagnosis {middle(after['private, KiB'])} and {middle(after['RSS, KiB'])}.")


def render(folder: pathlib.Path) -> str:
    """Of the questions that have been answered."""
    parts = [machines(folder) + ". Made by `tests/bench/run`, tables with their spread and plots in "
             "this folder.",
             calls(folder), "\\* with a system call of our own in it.", beside(folder)]
    tables = {"servers": servers, "outgoing-load": outgoing, "supervisor": supervisor, "growth": growth}
    parts += [table(folder) for name, table in tables.items() if (folder / f"{name}.md").exists()]
    parts.append(sentences(folder))
    return "\n\n".join(map(str, parts)) + "\n"
