"""Runs the servers of servers.toml without the guard, under it, and under a plan by either front end, and judges what differs.

usage: run_servers.py [--record|--quick] [NAME...]      PORTGUARD_TEST_BUILD is the build folder
"""

import concurrent.futures
import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

import table

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results.md"
HOWS = ("without", "plain", "plan", "supervisor")
STARTS = ("first", "second")
# Most of the time is spent waiting: for servers that do not end while a client is there.
PARALLEL = 4
RUN_SECONDS = 240
CRASHES = {-4: "SIGILL", -6: "SIGABRT", -7: "SIGBUS", -8: "SIGFPE", -11: "SIGSEGV", -31: "SIGSYS"}
NOT_REACHED = 3
# What the supervisor says of a server that is not root's, and of one that calls the kernel by io_uring.
LIMITS = ("set-user-ID programs below this one gain no privileges", "uses io_uring, by which bind, listen and connect pass")


def run_one(name: str, how: str, build: str) -> dict:
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
               sys.executable, "-B", str(HERE / "one_server.py"), name, how, build]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_SECONDS,
                              check=False)
    except subprocess.TimeoutExpired:
        return {"broken": f"not done in {RUN_SECONDS} s"}
    if done.returncode != 0:
        return {"broken": done.stderr[-2000:]}
    return json.loads(done.stdout)


def sentence(event: dict) -> str:
    return f"{event['event']}: {event['call']} {event['protocol']} {event['address']}:{event['port']} {event['errno']}"


def faults_of_reports(server: dict, name: str, start: dict) -> list[str]:
    """The first start reports warnings and errors alone, of which a happy run has none; the second also what is for
    information: one line at most, beside cures and what the table says is rightly reported."""
    events = [event for event in start["events"] if event["event"] not in {"cured", *server["told"]}]
    allowed = 0 if name == "first" else 1
    faults = [f"{len(events)} events: {sentence(events[0])}"] if len(events) > allowed else []
    lines = [line for line in start["lines"] if not any(limit in line for limit in LIMITS)]
    if len(lines) > len(start["events"]):
        faults.append(f"{len(lines)} lines for {len(start['events'])} events: {lines[-1]}")
    if "libportguard" in start["printed"]:
        faults.append("the loader complained")
    return faults


def faults_of_start(server: dict, name: str, start: dict, without: dict) -> list[str]:
    faults = []
    if without["answers"] and not start["answers"]:
        faults.append(f"answers without the guard, but not under it: {start['why']}")
    if start["status"] in CRASHES and start["status"] != without["status"]:
        faults.append(f"ended by {CRASHES[start['status']]}")
    return faults + faults_of_reports(server, name, start)


def is_unreachable(server: dict, how: str) -> bool:
    return server["guard"] == "unreachable" and how not in ("without", "supervisor")


def faults_of_unreachable(start: dict) -> list[str]:
    """`run` refuses, and says why in one line."""
    if start["status"] == NOT_REACHED and len(start["lines"]) == 1 and not start["answers"]:
        return []
    return [f"expected one line and status {NOT_REACHED}, got {len(start['lines'])} and {start['status']}"]


def faults_of(server: dict, runs: dict[str, dict]) -> dict[str, list[str]]:
    """By run; what `without` lacks is a fault of the table."""
    broken = {how: [run["broken"]] for how, run in runs.items() if "broken" in run}
    if broken:
        return {how: broken.get(how, []) for how in HOWS}
    first = runs["without"]["first"]
    faults = {"without": [] if first["answers"] else [f"the table is wrong: {first['why']}\n{first['printed']}"]}
    for how in HOWS[1:]:
        faults[how] = []
        for start in STARTS:
            found = (faults_of_unreachable(runs[how][start]) if is_unreachable(server, how)
                     else faults_of_start(server, start, runs[how][start], runs["without"][start]))
            faults[how] += [f"{start} start: {fault}" for fault in found]
    return faults


def describe(server: dict, how: str, run: dict, faults: list[str]) -> str:
    """A cell of the table."""
    if faults:
        return "FAILED"
    if is_unreachable(server, how):
        return "not reached, said"
    second = run["second"]
    cures = sum(event["event"] == "cured" for event in second["events"])
    over = f" over {second['time_wait']} TIME_WAIT" if second["time_wait"] else ""
    if not second["answers"]:
        return f"serves; restart refused{over}"
    return f"serves, restarts{over}" + (f", cured {cures}" if cures else "")


def version_of(package: str) -> str:
    return subprocess.run(["dpkg-query", "--show", "--showformat=${Version}", package], capture_output=True, text=True,
                          check=False).stdout


class Judged:
    def __init__(self, name: str, server: dict, build: str) -> None:
        self.name, self.server = name, server
        begun = time.monotonic()
        self.runs = {how: run_one(name, how, build) for how in HOWS}
        self.seconds = time.monotonic() - begun
        self.faults = faults_of(server, self.runs)

    def cells(self) -> list[str]:
        return [describe(self.server, how, self.runs[how], self.faults[how]) for how in HOWS]

    def failed(self) -> bool:
        return any(self.faults.values())

    def print(self) -> None:
        lines = [f"{'FAILED' if self.failed() else 'passed'}  {self.name} in {self.seconds:.0f} s: "
                 f"{'; '.join(self.cells())}"]
        lines += [f"          {how}: {fault}" for how, faults in self.faults.items() for fault in faults]
        # In one write: another thread prints as well.
        print("\n".join(lines) + "\n", end="", flush=True)

    def row(self) -> str:
        version = version_of(self.server["package"])
        return f"| {self.name} | {self.server['package']} {version} | {' | '.join(self.cells())} |"


def write_results(judged: list[Judged], seconds: float) -> None:
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs, Linux {platform.release()}"
    RESULTS.write_text("\n".join([
        "# Debian's servers under the guard",
        "",
        f"{machine}, {datetime.date.today()}; made by `tests/daemons/run --record` in {seconds:.0f} s.",
        "Each is started, asked, stopped with a connection open, and at once started again on the same port: without the",
        "guard, under `portguard run`, and under a plan whose `listen` is its ports, by the library and by the supervisor.",
        "",
        "| server | package | without | plain | plan | plan, supervisor |",
        "|---|---|---|---|---|---|",
        *[one.row() for one in judged],
    ]) + "\n")


def main() -> int:
    options = {argument for argument in sys.argv[1:] if argument.startswith("--")}
    arguments = [argument for argument in sys.argv[1:] if argument not in options]
    servers = table.servers()
    if "--quick" in options:
        servers = {name: server for name, server in servers.items() if not server["slow"]}
    unknown = (set(arguments) - set(servers)) | (options - {"--record", "--quick"})
    if unknown:
        print(f"run_servers.py: not in servers.toml, and not an option: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    build = os.environ["PORTGUARD_TEST_BUILD"]
    begun = time.monotonic()

    def judge(name: str) -> Judged:
        one = Judged(name, servers[name], build)
        one.print()
        return one

    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        judged = list(pool.map(judge, arguments or servers))
    seconds = time.monotonic() - begun
    failed = sum(one.failed() for one in judged)
    print(f"{len(judged) - failed} of {len(judged)} servers passed in {seconds:.0f} s")
    if "--record" in options:
        write_results(judged, seconds)
    return 1 if failed else 0


sys.exit(main())
