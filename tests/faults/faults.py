"""Fails every system call that the guard adds to a call of a program, one after the other, by strace.

usage: faults.py BUILD SITUATION [warm]      in a network namespace of its own

The situation is played once to see which calls come between its two marks (fault_victim.cpp). Then, for each name among
them and each of ERRORS, the first such call fails, and in another run that one and all that follow. The program's own
call has to end as it may without us; where a report was made it has to name what it could not find out.
"""

import dataclasses
import errno
import itertools
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

ERRORS = ["ENOSYS", "EPERM", "ENOMEM", "EMFILE", "EINTR"]
FIRST_MARK, SECOND_MARK = "close(7777)", "close(7778)"
CALL = re.compile(r"^\d+ +(\w+)\(")
RANGE = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
BUSY, LINGERING, SERVER = 10001, 10002, 10004
# TIME_WAIT lasts 60 s.
LINGERS_S = 40
# What the victim exits with (fault_victim.cpp).
ERRNO_CHANGED, DESCRIPTORS_LEAKED = 200, 201
OPTIONS = {"PORTGUARD_LISTEN": "10000-19999", "PORTGUARD_EPHEMERAL": "40000-50000", "PORTGUARD_FORMAT": "json",
           "PORTGUARD_BUDGET_MS": "10000", "PORTGUARD_CONFIG": "/dev/null"}
# Of the program itself: how often which call after the first mark is not ours.
ALWAYS = 10**6


@dataclasses.dataclass
class Situation:
    """`ends`: how the call may end. A report that cannot be had costs the cure, and a socket that cannot be asked about is
    left to the kernel: both are what happens without us."""
    ends: set[int]
    own: dict[str, int]
    event: str = ""
    options: dict[str, str] = dataclasses.field(default_factory=dict)


SITUATIONS = {
    "in_use": Situation({errno.EADDRINUSE}, {"bind": 1}, "in_use"),
    # A cure leaves the errno of the first try: to put it back would mean to read it before every bind.
    "cured": Situation({ERRNO_CHANGED, errno.EADDRINUSE}, {"bind": 1}),
    "refused": Situation({errno.EACCES, 0}, {"bind": ALWAYS}),
    "listen": Situation({0}, {"listen": 1}),
    "connect": Situation({0}, {"connect": 1}),
    "connect_by_bind": Situation({0}, {"connect": 1}, options={"PORTGUARD_RANGE_METHOD": "bind"}),
    "port_zero": Situation({0}, {"bind": 1}),
    "port_zero_by_bind": Situation({0}, {"bind": ALWAYS}, options={"PORTGUARD_RANGE_METHOD": "bind"}),
    "datagram": Situation({0}, {"socket": 1, "connect": 1, "close": ALWAYS}),
    "datagram_by_bind": Situation({0}, {"socket": 1, "connect": 1, "close": ALWAYS},
                                  options={"PORTGUARD_RANGE_METHOD": "bind"}),
}
# brk(2) has no error to return, and libc looks for none; memory that runs out is in tests/preload/faults_test.cpp.
WITHOUT_ERRORS = {"brk"}
# Where these fail nothing can be written, or not known to be safe to write to.
OUTPUT = {"write", "ppoll", "fstat", "newfstatat"}


class Network:
    """A port in use, one in TIME_WAIT, and a server."""

    def __init__(self) -> None:
        RANGE.write_text("10000 60000", encoding="ascii")
        self.busy = socket.create_server(("127.0.0.1", BUSY))
        self.server = socket.create_server(("127.0.0.1", SERVER), backlog=4096)
        self.made = -float(LINGERS_S)

    def refresh(self) -> None:
        """A TIME_WAIT with time left, and a server with room in its queue."""
        self.server.setblocking(False)
        try:
            while True:
                self.server.accept()[0].close()
        except BlockingIOError:
            pass
        if time.monotonic() - self.made < LINGERS_S:
            return
        with socket.create_server(("127.0.0.1", LINGERING), reuse_port=False) as listener:
            client = socket.create_connection(("127.0.0.1", LINGERING))
            accepted = listener.accept()[0]
            accepted.close()
            client.close()
        self.made = time.monotonic()


@dataclasses.dataclass(frozen=True)
class Fault:
    call: str
    error: str
    when: str

    def __str__(self) -> str:
        return f"{self.call}:error={self.error}:when={self.when}"


@dataclasses.dataclass
class Outcome:
    status: int
    said: str

    def events(self) -> list[dict]:
        return [json.loads(line) for line in self.said.splitlines() if line.startswith("{")]


class Play:
    def __init__(self, build: pathlib.Path, name: str, warm: bool) -> None:
        self.situation = SITUATIONS[name]
        self.victim = [str(build / "bin" / "portguard_fault_victim"), name.removesuffix("_by_bind"),
                       *(["warm"] if warm else [])]
        self.preload = str(build / "lib" / "libportguard.so")

    def run(self, fault: Fault | None, trace: str) -> Outcome:
        # The victim alone is preloaded: strace would meet the guard as well.
        inject = ["-e", f"inject={fault}"] if fault else []
        command = ["strace", "-f", "-o", trace, *inject, "-E", f"LD_PRELOAD={self.preload}", *self.victim]
        # A guard around this test must not steer the one that is tested.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PORTGUARD_")}
        environment = inherited | OPTIONS | self.situation.options
        try:
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, timeout=30, check=False)
        except subprocess.TimeoutExpired:
            return Outcome(-1, "it hung")
        return Outcome(done.returncode, done.stderr.decode(errors="replace"))

    def faults(self) -> list[Fault]:
        with tempfile.NamedTemporaryFile() as trace:
            self.run(None, trace.name)
            lines = pathlib.Path(trace.name).read_text(errors="replace").splitlines()
        before, between = split_at_marks(lines)
        made = []
        for call in dict.fromkeys(between):
            skipped = self.situation.own.get(call, 0)
            if call not in WITHOUT_ERRORS and between.count(call) > skipped:
                first = before.count(call) + skipped + 1
                # Signals are blocked, so that no call of ours meets EINTR for ever.
                made += [Fault(call, error, when) for error in ERRORS
                         for when in (f"{first}", f"{first}..{first + 3}" if error == "EINTR" else f"{first}+")]
        return made


def split_at_marks(lines: list[str]) -> tuple[list[str], list[str]]:
    marks = [index for index, line in enumerate(lines) if FIRST_MARK in line or SECOND_MARK in line]
    if len(marks) != 2:
        raise SystemExit("faults: the trace has no marks:\n" + "\n".join(lines[-20:]))

    def names(part: list[str]) -> list[str]:
        return [found[1] for found in map(CALL.match, part) if found]

    # The first mark is a call as well.
    return names(lines[:marks[0] + 1]), names(lines[marks[0] + 1:marks[1]])


def lost(whole: dict, seen: dict) -> list[str]:
    """What the undisturbed report knew and this one does not."""
    gone = [f"process.{field}" for field, value in whole["process"].items() if value and not seen["process"].get(field)]
    gone += [field for field in ("holders", "stack") if whole[field] and not seen[field]]
    for known, here in itertools.zip_longest(whole["holders"], seen["holders"]):
        if known and here:
            gone += [f"holder's {field}" for field, value in known.items() if value is not None and here[field] is None]
            gone += ["owners"] if known["owners"] and not here["owners"] else []
    return gone


def complaint(situation: Situation, base: Outcome, fault: Fault, outcome: Outcome) -> str:
    # strace does not close what it says it could not; the kernel would (close(2)).
    if fault.call == "close" and outcome.status == DESCRIPTORS_LEAKED:
        return ""
    if outcome.status not in situation.ends:
        return f"ended with {outcome.status}, not one of {sorted(situation.ends)}"
    if not situation.event:
        return ""
    told = [event for event in outcome.events() if event["event"] == situation.event]
    if told:
        gone = lost(base.events()[-1], told[-1])
        return f"lacks {gone} and says nothing of it" if gone and not told[-1]["missing"] else ""
    if fault.call in OUTPUT or "in use (EADDRINUSE)" in outcome.said:
        return ""
    return "was told of in no way"


def main() -> int:
    build, name, warm = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:] == ["warm"]
    network = Network()
    play = Play(build, name, warm)
    network.refresh()
    base = play.run(None, "/dev/null")
    if base.status not in play.situation.ends or (play.situation.event and not base.events()):
        print(f"faults: undisturbed it ends with {base.status}: {base.said}")
        return 1
    faults, bad = play.faults(), 0
    for fault in faults:
        network.refresh()
        outcome = play.run(fault, "/dev/null")
        if problem := complaint(play.situation, base, fault, outcome):
            bad += 1
            print(f"{fault}: {problem}; it said: {outcome.said[:600]}")
    print(f"{len(faults)} faults in {len({fault.call for fault in faults})} system calls, {bad} of them felt")
    # Only a port that needs no help at all makes no call of ours.
    return 1 if bad or not faults else 0


sys.exit(main())
