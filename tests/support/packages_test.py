#!/usr/bin/python3
"""What a test or an example executes by its path comes from a package that install-packages installs for it.

packages_test.py ROOT
"""

import pathlib
import re
import subprocess
import sys
import tempfile

# A folder, and what its own command installs for it.
GROUPS = {
    "examples": ["build", "story"],
    "examples/ci": ["build", "tests"],
    "examples/supervisor": ["build", "tests"],
    "tests": ["build", "story", "tests"],
    "tests/bench": ["build", "bench"],
    "tests/conformance": ["build", "tests"],
    "tests/fuzz": ["build", "tests", "lint"],
}
# Recorded on other machines; the list itself, which writes a file for dpkg; and the servers of tests/daemons, whose table
# names the package of each, and whose run fails over one that is missing. tests/platforms has roots of its own.
LEFT_OUT = ["tests/daemons", "tests/platforms", "tests/corpus/events", "tests/fuzz/corpus", "tests/support/install-packages", "tests/support/packages_test.py"]
# Where our own packages put the command.
OWN = {"/usr/bin/portguard"}
# Not below another folder: "$build/bin/portguard", "$build"/bin/portguard, folder + "/bin/portguard".
PROGRAM = re.compile(r"(?:^|(?<=[\s'\"(\[=`!,]))(?<!\w\w\")(?<!\+ \")(?:/usr)?/s?bin/[A-Za-z0-9](?:[\w.+-]*\w)?", re.M)


def run(*words: str) -> str:
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout


def names_in(field: str) -> list[str]:
    """The packages of a Depends or a Provides, alternatives among them."""
    return [name.strip().split(":")[0] for name in re.split(r"[,|]", re.sub(r"\(.*?\)", "", field)) if name.strip()]


class Installed:
    """The packages of this machine."""

    def __init__(self) -> None:
        self.next: dict[str, list[str]] = {}
        self.minimal: list[str] = []
        fields = "${Package}\t${Essential}\t${Priority}\t${Depends},${Pre-Depends}\t${Provides}\n"
        for line in run("dpkg-query", "--show", "--showformat", fields).splitlines():
            name, essential, priority, needs, provides = line.split("\t")
            self.next.setdefault(name, []).extend(names_in(needs))
            for virtual in names_in(provides):
                self.next.setdefault(virtual, []).append(name)
            if essential == "yes" or priority == "required":
                self.minimal.append(name)

    def with_what_they_need(self, names: list[str]) -> set[str]:
        """In a minimal Debian."""
        found: set[str] = set()
        rest = [*names, *self.minimal]
        while rest:
            name = rest.pop()
            if name not in found:
                found.add(name)
                rest += self.next.get(name, [])
        return found


def paths_of(program: str) -> set[str]:
    """As dpkg may have it: from before /bin became a link, and behind the links of update-alternatives."""
    plain = program.removeprefix("/usr")
    return {f"/usr{plain}", plain, str(pathlib.Path(program).resolve())}


def owners_of(programs: set[str]) -> dict[str, set[str]]:
    found = run("dpkg-query", "--search", *(path for program in programs for path in paths_of(program)))
    owners: dict[str, list[str]] = {}
    for line in found.splitlines():
        names, _, path = line.rpartition(": ")
        owners.setdefault(path, []).extend(names_in(names))
    return {program: {name for path in paths_of(program) for name in owners.get(path, [])} for program in programs}


def programs_of(root: pathlib.Path) -> dict[str, set[str]]:
    """By folder of GROUPS."""
    programs: dict[str, set[str]] = {folder: set() for folder in GROUPS}
    for path in sorted(path for top in ("tests", "examples") for path in (root / top).rglob("*")):
        name = str(path.relative_to(root))
        if path.is_file() and not any(name.startswith(left_out) for left_out in LEFT_OUT):
            folder = max((folder for folder in GROUPS if name.startswith(folder + "/")), key=len)
            programs[folder] |= set(PROGRAM.findall(path.read_text(errors="replace"))) - OWN
    return programs


def strangers(root: pathlib.Path, listed: dict[str, list[str]], installed: Installed) -> list[str]:
    found = []
    for folder, programs in programs_of(root).items():
        allowed = installed.with_what_they_need(listed[folder])
        for program, owners in sorted(owners_of(programs).items()):
            if not owners & allowed:
                found.append(f"{folder}: {program} ({', '.join(sorted(owners)) or 'of no package that is installed'})")
    return found


def check_the_check(installed: Installed) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for folder in ("tests/apps", "examples"):
            (root / folder).mkdir(parents=True)
        (root / "tests/apps/x.py").write_text('run("/usr/bin/python3", "/usr/bin/no-such", folder + "/bin/own", "/bin/sh")')
        nothing: dict[str, list[str]] = {folder: [] for folder in GROUPS}
        found = strangers(root, nothing, installed)
        assert [line.split(" (")[0] for line in found] == ["tests: /usr/bin/no-such", "tests: /usr/bin/python3"], found
        found = strangers(root, nothing | {"tests": ["python3"]}, installed)
        assert [line.split(" (")[0] for line in found] == ["tests: /usr/bin/no-such"], found


def main(name: str) -> None:
    root = pathlib.Path(name)
    installed = Installed()
    check_the_check(installed)
    script = str(root / "tests/support/install-packages")
    listed = {folder: run(script, "--list", *groups).split() for folder, groups in GROUPS.items()}
    assert all(listed.values()), listed
    found = strangers(root, listed, installed)
    if found:
        raise SystemExit("install-packages does not install:\n" + "\n".join(found))


main(*sys.argv[1:])
