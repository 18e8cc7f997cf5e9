#!/usr/bin/python3
"""Every hazard of rows.txt is answered by a test that is there, a limit that shim/limits.md names, or a line of design;
every row of shim/threat-model.md by tests that are there.

check_rows.py ROOT
"""

import fnmatch
import pathlib
import re
import sys

ROW = re.compile(r"H(\d\d) [^|]*\| (test|design:|limit) (.+)")
GOOGLE_TEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)")
PYTHON_TEST = re.compile(r"\bdef (test_\w+)\(")
NUMBERED = re.compile(r"(?:^|\.|_)H(\d\d)(?=_)")


def tests_of(root: pathlib.Path) -> set[str]:
    names: set[str] = set()
    for path in (root / "tests").rglob("*.cpp"):
        names.update(".".join(name) for name in GOOGLE_TEST.findall(path.read_text(encoding="utf-8")))
    for path in (root / "tests").rglob("*.py"):
        names.update(PYTHON_TEST.findall(path.read_text(encoding="utf-8")))
    return names


def text_of(root: pathlib.Path, page: str) -> str:
    return (root / "shim" / page).read_text(encoding="utf-8")


def complaints_of_threats(root: pathlib.Path, tests: set[str]) -> list[str]:
    """A name is what `ctest -R` takes, or the target of a fuzzer."""
    rows = [line for line in text_of(root, "threat-model.md").splitlines() if line.startswith("| ")][1:]
    found = [] if rows else ["threat-model.md has no table"]
    for row in rows:
        names = re.findall(r"`([^`]+)`", row.rstrip(" |").rpartition(" | ")[2])
        found += [] if names else [f"threat-model.md names no test: {row}"]
        for name in names:
            fuzzed = name.startswith("fuzz/") and (root / f"tests/{name}.cpp").exists()
            if not fuzzed and not any(re.search(name, test) for test in tests):
                found.append(f"threat-model.md: there is no test {name}")
    return found


def complaints(root: pathlib.Path) -> list[str]:
    tests, limits = tests_of(root), " ".join(text_of(root, "limits.md").split())
    found = complaints_of_threats(root, tests)
    numbers = []
    for line in (root / "tests/preload/hazards/rows.txt").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        row = ROW.fullmatch(line)
        if row is None:
            found.append(f"not a row: {line}")
            continue
        number, kind, answer = row.groups()
        numbers.append(number)
        if kind == "limit":
            found += [] if answer in limits else [f"H{number}: limits.md does not say: {answer}"]
            continue
        named = answer if kind == "test" else answer.partition(": test ")[2]
        for name in filter(None, named.split(", ")):
            if not any(fnmatch.fnmatchcase(test, name) or fnmatch.fnmatchcase(test, "*." + name) for test in tests):
                found.append(f"H{number}: there is no test {name}")
    if numbers != [f"{number:02}" for number in range(1, len(numbers) + 1)]:
        found.append("the rows are not numbered one after the other")
    unknown = {number for test in tests for number in NUMBERED.findall(test)} - set(numbers)
    return found + [f"H{number}: a test is named after it, and it has no row" for number in sorted(unknown)]


def main() -> int:
    found = complaints(pathlib.Path(sys.argv[1]))
    for complaint in found:
        print(complaint)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
