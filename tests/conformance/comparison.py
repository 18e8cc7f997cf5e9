"""Where a suite's tests end otherwise with the guard than without, and what is known about it.

An outcome is a set: that of each time the suite was run. Upstream tests that end now so, now so are told of, never
counted: a difference is a test none of whose ends with the guard was seen without.
"""

import dataclasses
import fnmatch
import json
import pathlib

ABSENT = "absent"
EXPECTATIONS = pathlib.Path(__file__).resolve().parent / "expectations.json"
FIELDS = {"suite", "variant", "test", "alone", "guarded", "reason", "syscall"}

Seen = dict[str, set[str]]


def add(seen: Seen, outcomes: dict[str, str]) -> None:
    """One more run. What it does not tell of, and what only it tells of, was absent once."""
    first = not seen
    for test in seen.keys() | outcomes.keys():
        ends = seen.setdefault(test, set() if first else {ABSENT})
        ends.add(outcomes.get(test, ABSENT))


def unstable(seen: Seen) -> list[str]:
    return sorted(test for test, ends in seen.items() if len(ends) > 1)


@dataclasses.dataclass(frozen=True)
class Difference:
    test: str
    alone: str
    guarded: str

    def __str__(self) -> str:
        return f"{self.test}: {self.alone} alone, {self.guarded} with the guard"


def differences(alone: Seen, guarded: Seen) -> list[Difference]:
    found = []
    for test in sorted(alone.keys() | guarded.keys()):
        without, with_it = alone.get(test, {ABSENT}), guarded.get(test, {ABSENT})
        if not without & with_it:
            found.append(Difference(test, "/".join(sorted(without)), "/".join(sorted(with_it))))
    return found


class Expectations:
    """The known differences. Each names the system call that shows why; one that is seen no more is an error."""

    def __init__(self, path: pathlib.Path = EXPECTATIONS) -> None:
        self.entries = json.loads(path.read_text(encoding="utf-8"))
        for entry in self.entries:
            if entry.keys() != FIELDS:
                raise ValueError(f"{path}: an entry has the fields {sorted(entry)}, not {sorted(FIELDS)}")

    def split(self, suite: str, variant: str, found: list[Difference], tests: set[str]) -> tuple[list, list, list]:
        """The differences that nobody has explained, those explained, and the entries that fit none of `tests`."""
        mine = [entry for entry in self.entries if (entry["suite"], entry["variant"]) == (suite, variant)]
        unexplained, explained, used = [], [], []
        for difference in found:
            entry = next((entry for entry in mine if _fits(entry, difference)), None)
            (explained if entry else unexplained).append(difference)
            used.append(entry)
        stale = [entry["test"] for entry in mine
                 if entry not in used and any(fnmatch.fnmatchcase(test, entry["test"]) for test in tests)]
        return unexplained, explained, stale


def _fits(entry: dict[str, str], difference: Difference) -> bool:
    return (fnmatch.fnmatchcase(difference.test, entry["test"]) and
            (entry["alone"], entry["guarded"]) == (difference.alone, difference.guarded))
