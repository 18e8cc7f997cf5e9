"""What the tests in the guests said, as one table: rows of the kernel's facts and of what stands on them, a column per kernel."""

import collections
import dataclasses
import datetime
import os
import pathlib
import platform
import re
import subprocess

RESULTS = pathlib.Path(__file__).with_name("results.md")
# The facts are numbered as in the names of tests/kernel. K17, K20 and K22 are of machines and of libc.
FACTS = {
    "K01": "a port is shared only if both have SO_REUSEADDR and neither listens",
    "K02": "the flag set after connect() opens the port that the kernel chose; not MPTCP's",
    "K03": "TIME_WAIT and accepted sockets keep the flag",
    "K04": "pidfd_getfd() and setsockopt() reach another process's socket",
    "K05": "a bound socket that never listens keeps a port free for its listener",
    "K06": "with the flag on both, the second listen() fails",
    "K07": "the flag counts from when it is set; a failed bind may be repeated with it",
    "K08": "IP_LOCAL_PORT_RANGE governs every automatic choice",
    "K09": "connect() skips ports that were bound explicitly",
    "K10": "of two flagged UDP sockets the later one gets the datagrams",
    "K11": "a wildcard listener excludes a specific address, and the other way about",
    "K12": "reserved ports are kept from automatic choice only",
    "K13": "sock_diag filters by port, and shows TIME_WAIT and sockets that are only bound",
    "K14": "SOCK_DESTROY removes TIME_WAIT sockets",
    "K15": "a connection can meet itself",
    "K16": "tcp_tw_reuse is for outgoing connections only",
    "K18": "a copy of a stack ends where the stack ends",
    "K19": "a supervisor cures a static program's bind by seccomp notification",
    "K21": "a flagged TIME_WAIT is given to nobody who does not ask for it",
    "K23": "a child that shares the memory binds the program's socket, unseen by wait()",
    "S32": "design 3.2: corners of bind and listen",
    "S34": "design 3.4: corners of connect",
}
FEATURES = {
    "story": "the story: restart over TIME_WAIT, no connection on a listener's port, a report in full (test_release.py)",
    "portguard_kernel_look_tests": "tests/kernel_look: who holds a port",
    "portguard_explain_tests": "tests/explain: causes, cures and reports",
    "portguard_preload_tests": "tests/preload: the guard in programs",
    "audit": "tests/audit: every cause right, every cure leads to a bind",
}
OTHERWISE = "otherwise: "


@dataclasses.dataclass
class Run:
    """Of one guest: its lines, of which each has a test, the kernel or the end."""

    suite: str
    lines: list[dict]

    def tests(self, program: str | None = None, prefix: str = "") -> list[dict]:
        return [line for line in self.lines if "test" in line and program in (None, line["program"])
                and line["test"].split(".")[-1].startswith(prefix)]

    def kernel(self) -> str:
        return next((line["kernel"] for line in self.lines if "kernel" in line), "did not start")

    def has_ended(self) -> bool:
        return any("ended" in line for line in self.lines)

    def failed(self) -> list[dict]:
        return [test for test in self.tests() if test["result"] == "failed"]

    def is_right(self) -> bool:
        return self.has_ended() and not self.failed()

    def summary(self) -> str:
        counts = collections.Counter(test["result"] for test in self.tests())
        end = "" if self.has_ended() else ", and did not end"
        return f"Linux {self.kernel()}: " + ", ".join(f"{count} {result}" for result, count in sorted(counts.items())) + end

    def failures(self) -> str:
        return "".join(f"\n== {self.suite}: {test['program']} {test['test']}\n{test['said']}\n" for test in self.failed())


def cell(tests: list[dict]) -> str:
    """`holds` of what passed; of the rest what was seen instead."""
    if not tests:
        return "not tried"
    by_result = collections.defaultdict(list)
    for test in tests:
        by_result[test["result"]].append(test)
    passed, failed = len(by_result["passed"]), [test["test"].split(".")[-1] for test in by_result["failed"]]
    parts = []
    if passed:
        parts.append("holds" if passed == len(tests) else f"holds in {passed} of {len(tests)} tests")
        parts += [test["said"] for test in by_result["passed"] if test["said"]]
    parts += ["FAILED: " + ", ".join(failed)] if failed else []
    reasons = collections.Counter(test["said"].splitlines()[0] for test in by_result["skipped"])
    for reason, count in reasons.items():
        often = f" ({count} tests)" if count > 1 else ""
        is_other = reason.startswith(OTHERWISE)
        parts.append(("holds otherwise: " if is_other else "not there: ") + reason.removeprefix(OTHERWISE).removesuffix(" is not there") + often)
    return "; ".join(parts)


def rows(runs: list[Run]) -> list[list[str]]:
    found = []
    for number, fact in FACTS.items():
        found.append([re.sub("^K0?", "K", number), fact, *(cell(run.tests("portguard_kernel_tests", number)) for run in runs)])
    for program, what in FEATURES.items():
        found.append(["", what, *(cell(run.tests(program)) for run in runs)])
    return found


def table_of(runs: list[Run]) -> str:
    head = ["row", "fact", *(f"{run.kernel()} ({run.suite})" for run in runs)]
    lines = [head, ["---"] * len(head), *rows(runs)]
    return "\n".join("| " + " | ".join(part.replace("|", "\\|") for part in line) + " |" for line in lines) + "\n"


def record(runs: list[Run]) -> None:
    qemu = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout.split()[3]
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs, Linux {platform.release()}, qemu {qemu} (-accel tcg)"
    RESULTS.write_text(f"""# What holds on which kernel

Written by `tests/platforms/kernels --record`: Debian's own kernels, each booted with a Debian 12 in which the tests of this
commit run. "Not there" is what a kernel lacks, "otherwise" what it was seen to do instead; in both cases a test has pinned it.
K17, K20 and K22 are of machines and of libc, not of kernels.

{datetime.date.today()}, {machine}.

{table_of(runs)}""", encoding="utf-8")
