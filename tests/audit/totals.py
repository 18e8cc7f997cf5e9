"""What came out of a run: faults by their shape, what is known of them, and the row of results.md."""

import collections
import datetime
import fnmatch
import json
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = HERE + "/results.md"


def shape(text: str) -> str:
    return re.sub(r"\d+", "N", text)


def known_defects() -> list[tuple[str, str, str]]:
    with open(f"{HERE}/known.txt", encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    return [tuple(part.strip() for part in line.split(" | ", 2)) for line in lines]


def machine() -> str:
    system = os.uname()
    return f"{system.machine}, {os.cpu_count()} CPUs, Linux {system.release.split('-')[0]}"


class Totals:
    def __init__(self, is_verbose: bool):
        self.counts = collections.Counter({"conditions": 0, "defects": 0})
        self.unexpected = collections.Counter()
        self.examples: dict[str, str] = {}
        self.known = known_defects()
        self.met: set[tuple[str, str, str]] = set()
        self.kinds = collections.Counter()
        self.kinds_not_built: dict[str, str] = {}
        self.is_verbose = is_verbose

    def add(self, result: dict) -> None:
        kind = result["name"].split("/")[0]
        self.counts["conditions"] += 1
        self.counts["cures tried"] += result["tried"]
        self.counts["cures left out that take a minute"] += result["left_out"]
        self.counts["reports"] += result.get("reported", False)
        if "not_built" in result:
            self.counts["not to be had here"] += 1
            self.kinds_not_built.setdefault(kind, result["not_built"])
        else:
            self.kinds[kind] += 1
        for fault in result["faults"]:
            self.add_fault(kind, result["name"], fault)
        if self.is_verbose:
            print(json.dumps(result), flush=True)

    def add_fault(self, kind: str, name: str, fault: str) -> None:
        known = [entry for entry in self.known
                 if fnmatch.fnmatchcase(name, entry[0]) and fnmatch.fnmatchcase(fault, entry[1])]
        if known:
            self.met.update(known)
            self.counts["known defects met"] += 1
            return
        self.counts["defects"] += 1
        key = kind + ": " + shape(fault)
        self.unexpected[key] += 1
        self.examples.setdefault(key, name)

    def tell(self) -> None:
        for key, count in self.unexpected.most_common():
            print(f"{count:5} {key}\n      such as {self.examples[key]}")
        for kind, why in self.kinds_not_built.items():
            if kind not in self.kinds:
                print(f"      {kind}: never to be had here: {why}")
        print(", ".join(f"{count} {what}" for what, count in self.counts.items() if count or what == "defects"))

    def unmet(self) -> list[str]:
        """Entries of known.txt that a long run has not met go with their defect."""
        return [" | ".join(entry) for entry in self.known if entry not in self.met]

    def record(self, seed: int, seconds: float) -> None:
        today = datetime.date.today().isoformat()
        row = (seed, today, machine(), round(seconds), self.counts["conditions"], len(self.kinds),
               self.counts["reports"], self.counts["cures tried"], self.counts["known defects met"], self.counts["defects"])
        with open(RESULTS, "a", encoding="utf-8") as file:
            file.write("| " + " | ".join(str(part) for part in row) + " |\n")
