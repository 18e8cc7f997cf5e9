"""The victim played once: undisturbed, or with one fault; and the system calls that it made."""

import collections
import contextlib
import ctypes
import dataclasses
import json
import os
import pathlib
import re
import select
import subprocess
import tempfile
import time

import situations

PR_SET_CHILD_SUBREAPER = 36
KILLED = "signal=KILL"
FIRST_MARK, SECOND_MARK = "close(7777)", "close(7778)"
CALL = re.compile(r"^(\d+) +(\w+)\(")


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
        self.situation = situations.SITUATIONS[name]
        self.victim = [str(build / "bin" / "portguard_fault_victim"), name.removesuffix("_by_bind")]
        # A guard around this test must not steer the one that is tested.
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PORTGUARD_")}
        self.environment = inherited | situations.OPTIONS | self.situation.options
        self.environment["LD_PRELOAD"] = str(build / "lib" / "libportguard.so")
        if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            raise SystemExit("faults: prctl refused to make this process the one that orphans come to")

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
            await_orphans()
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


def await_orphans() -> None:
    """A portguard-explain whose starter was killed has the victim's socket, and with it a port that the next victim wants."""
    with contextlib.suppress(ChildProcessError):
        for _ in range(3000):
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.01)
        raise SystemExit("faults: what a victim left did not end within 30 s")


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
