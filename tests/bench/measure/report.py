"""How every question's answer is written: a markdown table and a plot, each headed by machine, kernel, date and command."""

import datetime
import math
import os
import pathlib
import platform
import statistics

PLAIN = "no preload"


class Table:
    def __init__(self, columns: list[str]) -> None:
        self.columns = columns
        self.rows: list[list[str]] = []

    def add(self, *cells: str) -> None:
        assert len(cells) == len(self.columns), cells
        self.rows.append(list(cells))

    def __str__(self) -> str:
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        return "\n".join("| " + " | ".join(cells) + " |" for cells in lines).replace("| ---", "|---").replace("--- |", "---|")


class Answer:
    def __init__(self, title: str, notes: list[str], table: Table, plot: str) -> None:
        self.title = title
        self.notes = notes
        self.table = table
        self.plot = plot


def processor() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown processor"


def machine() -> str:
    return (f"{platform.machine()}, {processor()}, {os.cpu_count()} CPUs, Linux {platform.release()}, "
            f"{datetime.date.today()}; load average {os.getloadavg()[0]:.1f} at the end")


def write(folder: pathlib.Path, name: str, command: str, answer: Answer) -> str:
    notes = "".join(f"\n{note}\n" for note in answer.notes)
    text = f"# {answer.title}\n\n`{command}`\n\n{machine()}\n{notes}\n![plot]({name}.svg)\n\n{answer.table}\n"
    (folder / f"{name}.md").write_text(text)
    (folder / f"{name}.svg").write_text(answer.plot)
    return text


def read_rows(folder: pathlib.Path, name: str) -> list[dict[str, str]]:
    """The rows of a table that write() wrote."""
    lines = [line for line in (folder / f"{name}.md").read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], row)) for row in cells[2:]]


def spread(values: list[float], digits: int = 2) -> str:
    """The median, and the quartiles between which half of the values lie."""
    low, middle, high = quartiles(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def quartiles(values: list[float]) -> tuple[float, float, float]:
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def interval(values: list[float]) -> tuple[float, float]:
    """Where the median lies with 95 % confidence at least: order statistics, which ask nothing of the distribution."""
    ordered, count = sorted(values), len(values)
    outside, cut = 0.0, 0
    while cut < count // 2 and outside + math.comb(count, cut) / 2 ** count <= 0.025:
        outside += math.comb(count, cut) / 2 ** count
        cut += 1
    first = max(0, cut - 1)
    return ordered[first], ordered[count - 1 - first]


def verdict(value: float, budget: float, at_least: bool = False) -> str:
    met = value >= budget if at_least else value <= budget
    return f"{'≥' if at_least else '≤'} {budget:g}{'' if met else ', MISSED'}"
