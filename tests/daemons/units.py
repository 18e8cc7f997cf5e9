"""The sandbox of a systemd unit without systemd: what its lines say, as systemd.exec(5) reads them."""

import pathlib
import subprocess

FOLDER = pathlib.Path(__file__).with_name("units")
TRUE = {"yes", "true", "on", "1"}


def syscall_sets() -> dict[str, list[str]]:
    """The sets of this systemd; a member may be a set."""
    printed = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter"], capture_output=True, text=True,
                             check=True).stdout
    sets: dict[str, list[str]] = {}
    members: list[str] = []
    for line in printed.splitlines():
        word = line.strip()
        if line.startswith("@"):
            members = sets.setdefault(word, [])
        elif word and not word.startswith("#") and line.startswith(" "):
            members.append(word)
    return sets


def expand(words: list[str], sets: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    for word in words:
        found |= expand(sets[word], sets) if word.startswith("@") else {word.partition(":")[0]}
    return found


class Filter:
    """SystemCallFilter: the first line says whether calls are allowed or forbidden, the others add and take away."""

    def __init__(self) -> None:
        self.given = False
        self.allows = False
        self.calls: set[str] = set()

    def add(self, value: str, sets: dict[str, list[str]]) -> None:
        inverted = value.startswith("~")
        calls = expand(value.lstrip("~").split(), sets)
        if not self.given:
            self.given, self.allows = True, not inverted
            if self.allows:
                self.calls |= expand(["@default"], sets)
        if inverted == self.allows:
            self.calls -= calls
        else:
            self.calls |= calls


class Unit:
    def __init__(self, name: str) -> None:
        self.filter = Filter()
        self.families: set[str] | None = None
        self.error_number: str | None = None
        self.user: str | None = None
        self.flags = {"NoNewPrivileges": False, "MemoryDenyWriteExecute": False, "RestrictNamespaces": False}
        self.protect_proc: str | None = None
        sets = syscall_sets()
        for line in (FOLDER / f"{name}.service").read_text().splitlines():
            key, equals, value = line.partition("=")
            if equals and not line.startswith("#"):
                self.read(key, value.strip(), sets)

    def read(self, key: str, value: str, sets: dict[str, list[str]]) -> None:
        if key == "SystemCallFilter":
            self.filter.add(value, sets)
        elif key == "RestrictAddressFamilies":
            self.families = (self.families or set()) | set(value.split())
        elif key in self.flags:
            self.flags[key] = value in TRUE
        elif key == "SystemCallErrorNumber":
            self.error_number = value
        elif key == "User":
            self.user = value
        elif key == "ProtectProc":
            self.protect_proc = value
        else:
            raise ValueError(f"{key}= is not played here")
