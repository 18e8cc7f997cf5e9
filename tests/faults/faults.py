"""Fails every system call that the guard adds to a call of a program, one after the other.

usage: faults.py BUILD SITUATION      in a network namespace of its own

The situation is played once to see which calls the program, the child of a failed call and portguard-explain make between
the two marks (fault_victim.cpp). Then, by strace, each of the program's and the child's first calls of each name fails alone, and
the child is killed in it; and, by a filter of system calls as a sandbox has it, all of a name that the program itself does
not make fail with each of ERRORS, or kill. The program's own call has to end as it may without us; an event has to
be told in full, with what it could not find out, in one line, or be counted in the next.
"""

import errno
import itertools
import pathlib
import re
import subprocess
import sys

import plays
import situations

ERRORS = ["ENOSYS", "EPERM", "ENOMEM", "EMFILE", "EINTR"]
# Of one name in the child: what comes later is more of the same.
MOST_OF_A_NAME = 6
# linux/seccomp.h
KILL_PROCESS, TRAP, ERRNO = 0x80000000, 0x00030000, 0x00050000
# The victim's (fault_victim.cpp): how often it uses up a call between the tracer's coming and the first mark.
USED_UP = 40
# Its exit statuses.
ERRNO_CHANGED, DESCRIPTORS_LEAKED = 200, 201
VERDICTS = {ERRNO_CHANGED: "errno was changed", DESCRIPTORS_LEAKED: "descriptors leaked", 202: "the child was seen", 203: "SO_REUSEADDR was left",
            204: "the signal mask was changed", 252: "no filter could be made"}
# brk(2) has no error to return, and libc looks for none; the others end what calls them.
WITHOUT_ERRORS = {"brk", "exit", "exit_group"}
# Where these fail nothing can be written, or not known to be safe to write to: with a filter nothing counts it either.
OUTPUT = {"write", "ppoll", "fstat", "newfstatat", "fcntl", "writev", "pwritev2"}
# What even the child that writes one line has to call: where a filter kills for these there is nobody to write it.
LINE = OUTPUT | {"rt_sigaction", "setitimer", "prlimit64", "dup3", "close_range", "readlinkat", "openat", "clock_gettime",
                 "fallocate", "lseek"}


def system_call_numbers() -> dict[str, int]:
    macros = subprocess.run(["gcc", "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"], check=True,
                            capture_output=True, text=True).stdout
    return {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)\n", macros)}


def traced_faults(situation: situations.Situation, calls: plays.Calls) -> list[plays.Traced]:
    made = []
    for call, count in calls.of_program.items():
        own = situation.own.get(call, 0)
        # The second of these takes back what the first did: with it failing nothing could be right.
        last = own + 1 if call == "rt_sigprocmask" else count
        before = calls.before[call]
        made += [plays.Traced(call, f"error={error}", str(before + nth)) for nth in range(own + 1, last + 1)
                 for error in ERRORS]
    for call, count in calls.of_child.items():
        # The program's read for which the tracer came is not one of those that are used up.
        first = 2 if call == "read" else 1
        made += [plays.Traced(call, "error=EPERM", str(nth)) for nth in range(first, min(count, MOST_OF_A_NAME) + 1)]
        # A kill must not be used up by the program, so that only what the child alone comes to can be had.
        used = calls.before[call] - (USED_UP if calls.before[call] >= USED_UP else 0) + calls.of_program[call]
        used += 1 if call in ("close", "getsockopt") else 0 # the second mark, and the flag that is read after it
        made += [plays.Traced(call, plays.KILLED, str(nth)) for nth in range(used + 1, count + 1)][:MOST_OF_A_NAME]
    return [fault for fault in made if fault.call not in WITHOUT_ERRORS or fault.what == plays.KILLED]


def filters(calls: plays.Calls) -> list[plays.Filtered]:
    numbers = system_call_numbers()
    # The second mark is the program's close.
    names = (set(calls.of_child) | set(calls.of_helper)) - set(calls.of_program) - WITHOUT_ERRORS - {"close"}
    # By it the victim reads, after the second mark, what became of its flag.
    deadly = {"kill", "trap"}
    actions = {error: ERRNO | getattr(errno, error) for error in ERRORS} | {"kill": KILL_PROCESS, "trap": TRAP}
    return [plays.Filtered(call, numbers[call], action, name) for call in sorted(names) for name, action in actions.items()
            if call != "getsockopt" or name not in deadly]


def lost(whole: dict, seen: dict) -> list[str]:
    """What the undisturbed report knew and this one does not."""
    gone = [f"process.{field}" for field, value in whole["process"].items() if value and not seen["process"].get(field)]
    gone += [field for field in ("holders", "stack") if whole[field] and not seen[field]]
    for known, here in itertools.zip_longest(whole["holders"], seen["holders"]):
        if known and here:
            gone += [f"holder's {field}" for field, value in known.items() if value is not None and here[field] is None]
            gone += ["owners"] if known["owners"] and not here["owners"] else []
    return gone


def complaint(situation: situations.Situation, base: plays.Outcome, fault: plays.Traced | plays.Filtered,
              outcome: plays.Outcome) -> str:
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
    if isinstance(fault, plays.Filtered):
        silenced = LINE if fault.name in ("kill", "trap") else OUTPUT
        return "" if fault.call in silenced else "was told of in no way"
    # What the program's own process does not know to be an internet socket, with a port, is told otherwise or not at all.
    return "" if fault.call in ("getsockopt", "getsockname") or outcome.counts_lost_events() else "was told of in no way, and is not counted"


def main() -> int:
    build, name = pathlib.Path(sys.argv[1]), sys.argv[2]
    network = situations.Network()
    play = plays.Play(build, name)
    network.refresh()
    base = play.run(None)
    expected = play.situation.ends.get(base.status)
    if expected is None or (expected and [event["event"] for event in base.events()] != [expected]):
        print(f"faults: undisturbed it ends with {base.status}: {base.said}")
        return 1
    calls = plays.calls_of(play)
    faults: list[plays.Traced | plays.Filtered] = [*traced_faults(play.situation, calls), *filters(calls)]
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
