"""Fails every system call that the guard adds to a call of a program, one after the other.

usage: faults.py BUILD SITUATION      in a network namespace of its own

The situation is played once to see which calls the program, the child of a failed call and portguard-explain make between
the two marks (fault_victim.cpp). Then, by strace, each of the program's and the child's first calls of each name fails alone, and
the child is killed in it; and, by a filter of system calls as a sandbox has it, all of a name that the program itself does
not make fail with each of ERRORS, or kill. The program's own call has to end as it may without us; an event has to
be told in full, with what it could not find out, in one line, or be counted in the next.
"""

import collections
import dataclasses
import errno
import itertools
import json
import os
import pathlib
import re
import select
import socket
import subprocess
import sys
import tempfile
import time

KILLED = "signal=KILL"
ERRORS = ["ENOSYS", "EPERM", "ENOMEM", "EMFILE", "EINTR"]
FIRST_MARK, SECOND_MARK = "close(7777)", "close(7778)"
CALL = re.compile(r"^(\d+) +(\w+)\(")
RANGE = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
BUSY, LINGERING, SERVER = 10001, 10002, 10004
# TIME_WAIT lasts 60 s.
LINGERS_S = 40
# Of one name in the child: what comes later is more of the same.
MOST_OF_A_NAME = 6
OPTIONS = {"PORTGUARD_LISTEN": "10000-19999", "PORTGUARD_EPHEMERAL": "40000-50000", "PORTGUARD_FORMAT": "json",
           "PORTGUARD_BUDGET_MS": "10000", "PORTGUARD_CONFIG": "/dev/null"}
# Of the program itself: how often which call after the first mark is not ours.
ALWAYS = 10**6
# linux/seccomp.h
KILL_PROCESS, TRAP, ERRNO = 0x80000000, 0x00030000, 0x00050000
# The victim's (fault_victim.cpp): how often it uses up a call between the tracer's coming and the first mark.
USED_UP = 40
# Its exit statuses.
ERRNO_CHANGED, DESCRIPTORS_LEAKED = 200, 201
VERDICTS = {ERRNO_CHANGED: "errno was changed", DESCRIPTORS_LEAKED: "descriptors leaked", 202: "the child was seen", 203: "SO_REUSEADDR was left",
            204: "the signal mask was changed", 252: "no filter could be made"}


@dataclasses.dataclass
class Situation:
    """`ends`: how the call may end, and the event that goes with it. What cannot be had costs the cure, and a socket that
    cannot be asked about is left to the kernel: both are what happens without us."""
    ends: dict[int, str]
    own: dict[str, int]
    options: dict[str, str] = dataclasses.field(default_factory=dict)


SITUATIONS = {
    "in_use": Situation({errno.EADDRINUSE: "in_use"}, {"bind": 1}),
    # A cure leaves the errno of the first try: to put it back would mean to read it before every bind.
    "cured": Situation({0: "cured", errno.EADDRINUSE: "in_use"}, {"bind": 1}),
    "cured_listen": Situation({0: "cured", errno.EADDRINUSE: "in_use"}, {"listen": 1}),
    "refused": Situation({errno.EACCES: "refused", 0: ""}, {"bind": ALWAYS}),
    "listen": Situation({0: ""}, {"listen": 1}),
    "connect": Situation({0: ""}, {"connect": 1}),
    "connect_by_bind": Situation({0: ""}, {"connect": 1}, options={"PORTGUARD_RANGE_METHOD": "bind"}),
    "port_zero": Situation({0: ""}, {"bind": 1}),
    "port_zero_by_bind": Situation({0: ""}, {"bind": ALWAYS}, options={"PORTGUARD_RANGE_METHOD": "bind"}),
    "datagram": Situation({0: ""}, {"socket": 1, "connect": 1, "close": ALWAYS}),
    "datagram_by_bind": Situation({0: ""}, {"socket": 1, "connect": 1, "close": ALWAYS},
                                  options={"PORTGUARD_RANGE_METHOD": "bind"}),
}
# brk(2) has no error to return, and libc looks for none; the others end what calls them.
WITHOUT_ERRORS = {"brk", "exit", "exit_group"}
# Where these fail nothing can be written, or not known to be safe to write to: with a filter nothing counts it either.
OUTPUT = {"write", "ppoll", "fstat", "newfstatat", "fcntl", "writev", "pwritev2"}
# What even the child that writes one line has to call: where a filter kills for these there is nobody to write it.
LINE = OUTPUT | {"rt_sigaction", "setitimer", "prlimit64", "dup3", "close_range", "readlinkat", "openat", "clock_gettime",
                 "fallocate", "lseek"}


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
class Traced:
    """By strace, in every process by its own count."""
    call: str
    what: str
    when: str

    def __str__(self) -> str:
        return f"{self.call}:{self.what}:when={self.when}"


@dataclasses.dataclass(frozen=True)
class Filtered:
    """By seccomp(2), in the program as well."""
    call: str
    number: int
    action: int
    name: str

    def __str__(self) -> str:
        return f"{self.call}: {self.name} by a filter"


@dataclasses.dataclass
class Outcome:
    status: int
    said: str

    def events(self) -> list[dict]:
        # libc's own complaint, where it cannot start portguard-explain, ends without a line's end.
        return [json.loads(line[line.index("{"):]) for line in self.said.splitlines() if "{" in line]

    def counts_lost_events(self) -> bool:
        return "before this one could not be written" in self.said or any(event.get("lost") for event in self.events())


class Play:
    def __init__(self, build: pathlib.Path, name: str) -> None:
        self.situation = SITUATIONS[name]
        self.victim = [str(build / "bin" / "portguard_fault_victim"), name.removesuffix("_by_bind")]
        # A guard around this test must not steer the one that is tested.
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PORTGUARD_")}
        self.environment = inherited | OPTIONS | self.situation.options
        self.environment["LD_PRELOAD"] = str(build / "lib" / "libportguard.so")

    def run(self, fault: Traced | Filtered | None, trace: str = "/dev/null") -> Outcome:
        filtered = [str(fault.number), str(fault.action)] if isinstance(fault, Filtered) else []
        shared = ["shared"] if isinstance(fault, Traced) and fault.what == KILLED else []
        with tempfile.NamedTemporaryFile() as file, open(file.name, "a+b") as said:
            with subprocess.Popen([*self.victim, *filtered, *shared], env=self.environment, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=said, bufsize=0) as program:
                try:
                    status = self.let_run(program, None if filtered else ["strace", "-f", "-o", trace, *inject(fault)],
                                          said)
                except TimeoutError:
                    program.kill()
                    status = -1
            said.seek(0)
            return Outcome(status, said.read().decode(errors="replace"))

    def let_run(self, program: subprocess.Popen, tracer: list[str] | None, said) -> int:
        wait_for_byte(program, b"r")
        # What the situation's own beginning has said.
        said.truncate(0)
        if tracer is None:
            program.stdin.write(b"x")
            return wait_for_end(program)
        with subprocess.Popen([*tracer, "-p", str(program.pid)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, bufsize=0) as strace:
            try:
                if b"attached" not in strace.stderr.readline():
                    raise SystemExit("faults: strace did not attach")
                program.stdin.write(b"x")
                wait_for_byte(program, b"d")
            finally:
                strace.terminate()
                strace.wait()
        said.seek(0)
        if b"{" not in said.read() and program.poll() is None:
            # Without the tracer nothing fails any more.
            program.stdin.write(b"x")
        program.stdin.close()
        return wait_for_end(program)

    def traced_faults(self, calls: "Calls") -> list[Traced]:
        made = []
        for call, count in calls.of_program.items():
            own = self.situation.own.get(call, 0)
            # The second of these takes back what the first did: with it failing nothing could be right.
            last = own + 1 if call == "rt_sigprocmask" else count
            before = calls.before[call]
            made += [Traced(call, f"error={error}", str(before + nth)) for nth in range(own + 1, last + 1)
                     for error in ERRORS]
        for call, count in calls.of_child.items():
            # The program's read for which the tracer came is not one of those that are used up.
            first = 2 if call == "read" else 1
            made += [Traced(call, "error=EPERM", str(nth)) for nth in range(first, min(count, MOST_OF_A_NAME) + 1)]
            # A kill must not be used up by the program, so that only what the child alone comes to can be had.
            used = calls.before[call] - (USED_UP if calls.before[call] >= USED_UP else 0) + calls.of_program[call]
            used += 1 if call == "close" else 0 # the second mark
            made += [Traced(call, KILLED, str(nth)) for nth in range(used + 1, count + 1)][:MOST_OF_A_NAME]
        return [fault for fault in made if fault.call not in WITHOUT_ERRORS or fault.what == KILLED]

    def filters(self, calls: "Calls") -> list[Filtered]:
        numbers = system_call_numbers()
        # The second mark is the program's close.
        names = (set(calls.of_child) | set(calls.of_helper)) - set(calls.of_program) - WITHOUT_ERRORS - {"close"}
        actions = {error: ERRNO | getattr(errno, error) for error in ERRORS} | {"kill": KILL_PROCESS, "trap": TRAP}
        return [Filtered(call, numbers[call], action, name) for call in sorted(names) for name, action in actions.items()]


def inject(fault: Traced | None) -> list[str]:
    return ["-e", f"inject={fault}"] if fault else []


def wait_for_byte(program: subprocess.Popen, wanted: bytes) -> None:
    if not select.select([program.stdout], [], [], 30)[0]:
        raise TimeoutError
    if program.stdout.read(1) not in (wanted, b""):
        raise SystemExit("faults: the victim speaks otherwise")


def wait_for_end(program: subprocess.Popen) -> int:
    try:
        return program.wait(30)
    except subprocess.TimeoutExpired as late:
        raise TimeoutError from late


def system_call_numbers() -> dict[str, int]:
    macros = subprocess.run(["gcc", "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"], check=True,
                            capture_output=True, text=True).stdout
    return {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)\n", macros)}


@dataclasses.dataclass
class Calls:
    """How often which was made: by the program before the first mark and between the marks, by its child (and the child's
    own, until it has executed portguard-explain), and by portguard-explain."""
    before: collections.Counter
    of_program: collections.Counter
    of_child: collections.Counter
    of_helper: collections.Counter


def calls_of(play: Play) -> Calls:
    with tempfile.NamedTemporaryFile() as trace:
        play.run(None, trace.name)
        lines = pathlib.Path(trace.name).read_text(errors="replace").splitlines()
    marks = [index for index, line in enumerate(lines) if FIRST_MARK in line or SECOND_MARK in line]
    if len(marks) != 2:
        raise SystemExit("faults: the trace has no marks:\n" + "\n".join(lines[-20:]))
    program = lines[marks[0]].split()[0]
    calls = Calls(*(collections.Counter() for _ in range(4)))
    executed: set[str] = set()
    by_process: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    for index, line in enumerate(lines[:marks[1]]):
        found = CALL.match(line)
        if not found:
            continue
        process, call = found.groups()
        if process == program:
            # The first mark is a call as well.
            (calls.before if index <= marks[0] else calls.of_program)[call] += 1
        elif process in executed:
            calls.of_helper[call] += 1
        else:
            by_process[process][call] += 1
            if call == "execve":
                executed.add(process)
    for counted in by_process.values():
        calls.of_child |= counted
    return calls


def lost(whole: dict, seen: dict) -> list[str]:
    """What the undisturbed report knew and this one does not."""
    gone = [f"process.{field}" for field, value in whole["process"].items() if value and not seen["process"].get(field)]
    gone += [field for field in ("holders", "stack") if whole[field] and not seen[field]]
    for known, here in itertools.zip_longest(whole["holders"], seen["holders"]):
        if known and here:
            gone += [f"holder's {field}" for field, value in known.items() if value is not None and here[field] is None]
            gone += ["owners"] if known["owners"] and not here["owners"] else []
    return gone


def complaint(situation: Situation, base: Outcome, fault: Traced | Filtered, outcome: Outcome) -> str:
    # strace does not close what it says it could not; the kernel would (close(2)).
    if fault.call == "close" and outcome.status == DESCRIPTORS_LEAKED:
        return ""
    if outcome.status not in situation.ends:
        return f"ended with {outcome.status} ({VERDICTS.get(outcome.status, '')}), not one of {sorted(situation.ends)}"
    event = situation.ends[outcome.status]
    if not event:
        return ""
    told = [told for told in outcome.events() if told["event"] == event]
    if told:
        same = outcome.status == base.status
        gone = lost(base.events()[-1], told[0]) if same else []
        return f"lacks {gone} and says nothing of it" if gone and not told[0]["missing"] else ""
    if isinstance(fault, Filtered):
        silenced = LINE if fault.name in ("kill", "trap") else OUTPUT
        return "" if fault.call in silenced else "was told of in no way"
    # What the program's own process does not know to be an internet socket, with a port, is told otherwise or not at all.
    return "" if fault.call in ("getsockopt", "getsockname") or outcome.counts_lost_events() else "was told of in no way, and is not counted"


def main() -> int:
    build, name = pathlib.Path(sys.argv[1]), sys.argv[2]
    network = Network()
    play = Play(build, name)
    network.refresh()
    base = play.run(None)
    expected = play.situation.ends.get(base.status)
    if expected is None or (expected and [event["event"] for event in base.events()] != [expected]):
        print(f"faults: undisturbed it ends with {base.status}: {base.said}")
        return 1
    calls = calls_of(play)
    faults: list[Traced | Filtered] = [*play.traced_faults(calls), *play.filters(calls)]
    bad = 0
    for fault in faults:
        network.refresh()
        outcome = play.run(fault)
        if problem := complaint(play.situation, base, fault, outcome):
            bad += 1
            print(f"{fault}: {problem}; it said: {outcome.said[:600]}", flush=True)
    print(f"{len(faults)} faults in {len({fault.call for fault in faults})} system calls, {bad} of them felt")
    # Only a port that needs no help at all makes no call of ours.
    return 1 if bad or not faults else 0


sys.exit(main())
