"""The rows of supervised.md: each program of tests/apps under the supervisor, and what of it held.

usage: run_supervised.py [--record] [NAME...]      PORTGUARD_TEST_BUILD, _COMPILED and _ROOTS are set (supervised)
"""

import datetime
import os
import pathlib
import platform
import re
import subprocess
import sys
from typing import NamedTuple

HERE = pathlib.Path(__file__).parent
APPS = HERE.parent / "apps"
RESULTS = HERE / "supervised.md"
ROOTS = pathlib.Path(os.environ["PORTGUARD_TEST_ROOTS"])
BUILD = os.environ["PORTGUARD_TEST_BUILD"]
CONNECTIONS = "10000"
RUN_SECONDS = 1800


class Program(NamedTuple):
    name: str
    # As Debian's packages have it, in `root` if that is given.
    package: str = ""
    root: str = ""
    # Its name among servers.ALL and supervised_load.CLIENTS; empty: it is none.
    server: str = ""
    client: str = ""
    front_end: str = "supervisor"


PROGRAMS = [
    Program("prometheus", "prometheus", "", "prometheus", "prometheus"),
    Program("prometheus-node-exporter", "prometheus-node-exporter", "", "node_exporter", "prometheus-node-exporter"),
    Program("etcd", "etcd-server", "", "etcd", "etcd"),
    Program("caddy", "caddy", "", "caddy", "caddy"),
    Program("Go without cgo", "golang-go", "bookworm", "go", "go"),
    Program("Go with cgo", "golang-go", "bookworm", "go_cgo", "go_cgo"),
    Program("Go with MPTCP", "golang-go", "trixie", "go_mptcp", "go_mptcp"),
    Program("Rust with crt-static", "rustc", "bookworm", "rust", "rust"),
    Program("busybox httpd", "busybox-static", "", "busybox_httpd", "busybox"),
    Program("no libc", "", "", "nolibc", "nolibc"),
    Program("nginx", "nginx", "", "nginx"),
    Program("haproxy", "haproxy", "", "", "haproxy"),
    Program("redis", "redis-server", "", "redis", "redis-benchmark"),
    Program("curl", "curl", "", "", "curl"),
    Program("python", "python3", "", "python_plain", "python"),
    Program("node", "nodejs", "", "node", "node"),
    Program("java", "openjdk-17-jdk-headless", "", "java", "java"),
    Program("python, both front ends", "python3", "", "python_plain", "python", "both"),
    Program("java, both front ends", "openjdk-17-jdk-headless", "", "java", "java", "both"),
    Program("chromium", "chromium", "browser"),
]


def version_of(program: Program) -> str:
    root = ["--root", str(ROOTS / f"supervised-{program.root}")] if program.root else []
    said = subprocess.run(["dpkg-query", *root, "--show", "--showformat=${Version}", program.package], capture_output=True,
                          text=True, check=False)
    return f"{program.package} {said.stdout}" if program.package else ""


def run(script: pathlib.Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    command = [str(HERE.parent / "support/in-private-net"), "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
               sys.executable, "-B", str(script), *arguments]
    done = subprocess.run(command, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=RUN_SECONDS, check=False)
    if done.returncode != 0:
        print(done.stdout)
    return done


def tests_of(done: subprocess.CompletedProcess) -> str:
    return re.search(r"Ran (\d+) tests", done.stdout).group(1)


def serves(program: Program) -> str:
    if not program.server:
        return ""
    done = run(APPS / "test_servers.py", PORTGUARD_TEST_SERVER=program.server, PORTGUARD_TEST_FRONT_END=program.front_end,
               PORTGUARD_TEST_COMMAND=f"{BUILD}/bin/portguard")
    return f"all {tests_of(done)} tests hold" if done.returncode == 0 else "FAILED"


def connects(program: Program) -> str:
    if not program.client:
        return ""
    done = run(APPS / "test_supervised_load.py", PORTGUARD_TEST_CLIENT=program.client, PORTGUARD_TEST_FRONT_END=program.front_end,
               PORTGUARD_TEST_CONNECTIONS=CONNECTIONS)
    return re.search(r"[\d,]+ connections.*", done.stdout).group(0) if done.returncode == 0 else "FAILED"


def browses() -> tuple[str, str]:
    done = run(HERE / "test_browser.py", str(ROOTS / "supervised-browser"))
    if done.returncode != 0:
        return "FAILED", "FAILED"
    return f"all {tests_of(done)} of its own hold", re.search(r"\d+ connections.*", done.stdout).group(0)


def row(program: Program) -> str:
    cells = browses() if program.name == "chromium" else (serves(program), connects(program))
    line = f"| {program.name} | {version_of(program)} | {' | '.join(cells)} |"
    print(line, flush=True)
    return line


def main() -> int:
    names = [word for word in sys.argv[1:] if word != "--record"]
    unknown = set(names) - {program.name for program in PROGRAMS}
    if unknown:
        print(f"run_supervised.py: not a row: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    rows = [row(program) for program in PROGRAMS if not names or program.name in names]
    if "--record" in sys.argv:
        machine = f"{platform.machine()}, {os.cpu_count()} CPUs, Linux {platform.release()}"
        RESULTS.write_text("\n".join([
            "# Real programs under the supervisor", "",
            f"{machine}, {datetime.date.today()}; made by `tests/platforms/supervised --record`. As a server each is started, asked,",
            "killed with ten connections open and started again over their TIME_WAIT, refused outside `listen`, and run into another",
            "listener, which is named (tests/apps/test_servers.py). As a client it opens a connection per request, one after another",
            "or up to fifty at a time, where two of three ports of the kernel's range are of `listen` (test_supervised_load.py);",
            "chromium serves its debugger and opens pages, by processes that have filters and namespaces of their own",
            "(test_browser.py).", "",
            "| program | package | as a server | as a client |", "|---|---|---|---|", *rows]) + "\n")
    return 1 if any("FAILED" in line for line in rows) else 0


sys.exit(main())
