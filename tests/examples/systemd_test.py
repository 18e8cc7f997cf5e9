#!/usr/bin/python3 -B
"""What a service with the drop-in of examples/systemd reports is read back by `portguard events`, from the file and from a
real journal, which journald keeps in a mount namespace of the test's own; and journalctl finds it by its fields, and explains
it.

systemd_test.py DROP_IN COMMAND LIBRARY
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

SKIP = 77
JOURNALD = "/lib/systemd/systemd-journald"
IN_NAMESPACE = "IN_A_NAMESPACE_OF_ITS_OWN"
# Outside both ranges of the drop-in.
PORT = 4000
SERVICE = f"""
import socket
try:
    socket.socket().bind(("", {PORT}))
except PermissionError:
    raise SystemExit(0)
raise SystemExit("bind went through")
"""
PATIENCE_S = 20
# Inside the plan, and held by a process of the test's own.
HELD_PORT = 5000
MEETS = f"""
import socket
holder = socket.create_server(("127.0.0.1", {HELD_PORT}))
print(__import__("os").getpid(), flush=True)
input()
"""
IS_REFUSED = f"""
import socket
try:
    socket.create_server(("127.0.0.1", {HELD_PORT}))
except OSError:
    raise SystemExit(0)
raise SystemExit("bind went through")
"""
CATALOG = pathlib.Path("/usr/lib/systemd/catalog/portguard.catalog")


def environment_of(drop_in: pathlib.Path, library: str, logs: pathlib.Path) -> dict[str, str]:
    """As systemd would set it, with the files of the test."""
    lines = [line.removeprefix("Environment=") for line in drop_in.read_text(encoding="utf-8").splitlines()
             if line.startswith("Environment=")]
    environment = dict(line.split("=", 1) for line in lines)
    environment["LD_PRELOAD"] = library
    record = environment["PORTGUARD_RECORD"].replace("/var/log/portguard/%N", str(logs))
    assert record == f"file:{logs}/events.log", record
    return environment | {"PORTGUARD_RECORD": record}


def events(command: str, *words: str) -> dict:
    answer = subprocess.run([command, "events", "--json", *words], capture_output=True, text=True, check=False,
                            timeout=60)
    if answer.stderr:
        print(answer.stderr, end="")
    return json.loads(answer.stdout)


def journal_events(command: str, expected: int) -> dict:
    """journald takes a moment to write what it was sent."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = events(command, "--journal", "--since=1h")
        if answer["events"] >= expected or time.monotonic() > deadline:
            return answer
        time.sleep(0.1)


def complaints_about(answer: dict, whence: str, whole: list[bool]) -> list[str]:
    found = []
    first = [failure["first_event"] for failure in answer["failures"]]
    if answer["unread"]:
        found.append(f"{whence}: not all was read: {answer['unread']}")
    if sorted(bool(event["process"]["exe"]) for event in first) != sorted(whole):
        found.append(f"{whence}: {first}")
    for failure in answer["failures"]:
        event = failure["first_event"]
        if (event["port"], event["errno"], event["cause"]) != (PORT, "EACCES", "outside_plan") or not failure["first"]:
            found.append(f"{whence}: {failure}")
    return found


def journalctl(*words: str) -> str:
    return subprocess.run(["journalctl", "--no-pager", *words], capture_output=True, text=True, check=True, timeout=60).stdout


def entries(*words: str) -> list[dict]:
    return [json.loads(line) for line in journalctl("--quiet", "--all", "--output=json", *words).splitlines()]


def field_complaints(service: list[str], command: str) -> list[str]:
    """Of a port that a program with a pid holds, and of one that no process does."""
    with subprocess.Popen([sys.executable, "-c", MEETS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        pid = holder.stdout.readline().strip()
        subprocess.run([*service, sys.executable, "-c", IS_REFUSED], check=True, timeout=60)
        holder.communicate("\n")
    journal_events(command, 3)
    found = []
    wanted = {"PORTGUARD_KIND": "in_use", "PORTGUARD_CALL": "bind", "PORTGUARD_ERRNO": "EADDRINUSE",
              "PORTGUARD_PROTOCOL": "tcp", "PORTGUARD_ADDRESS": "127.0.0.1", "PORTGUARD_HOLDER_PID": pid,
              "PORTGUARD_HOLDER_STATE": "LISTEN", "SYSLOG_IDENTIFIER": "portguard"}
    held = entries(f"PORTGUARD_PORT={HELD_PORT}")
    if len(held) != 1 or not held[0]["PORTGUARD_CAUSE"].startswith("listener_"):
        found.append(f"PORTGUARD_PORT={HELD_PORT}: {held}")
    found += [f"{name} is {entry.get(name)}, expected {value}" for entry in held for name, value in wanted.items()
              if entry.get(name) != value]
    outside = entries("PORTGUARD_CAUSE=outside_plan")
    if [entry.get("PORTGUARD_HOLDER_PID", "none") for entry in outside] != ["none"] or outside[0]["PORTGUARD_PORT"] != str(PORT):
        found.append(f"PORTGUARD_CAUSE=outside_plan: {outside}")
    return found


def catalog_complaints(command: str) -> list[str]:
    """With sources and a database of the test's own, which a package's trigger makes on an installation."""
    catalog = subprocess.run([command, "catalog"], capture_output=True, text=True, check=True).stdout
    for folder in (pathlib.Path("/var/lib/systemd/catalog"), CATALOG.parent):
        subprocess.run(["mount", "-t", "tmpfs", "none", str(folder)], check=True)
    unexplained = journalctl("--quiet", "--catalog", "PORTGUARD_CAUSE=outside_plan")
    CATALOG.write_text(catalog, encoding="utf-8")
    updated = subprocess.run(["journalctl", "--update-catalog"], capture_output=True, text=True, check=False)
    found = [f"--update-catalog: {updated}"] if updated.returncode or updated.stderr else []
    explained = journalctl("--quiet", "--catalog", "PORTGUARD_CAUSE=outside_plan")
    subject = "portguard: the port is not in the plan"
    meaning = "Configure the program for a port of the plan"
    if subject in unexplained or subject not in explained or meaning not in re.sub(r"\n\S* ", " ", explained):
        found.append(f"journalctl -x: {unexplained}{explained}")
    listed = journalctl("--list-catalog").splitlines()
    ours = [line for line in listed if " portguard: " in line]
    if len(ours) != catalog.count("\n-- "):
        found.append(f"{len(ours)} of {catalog.count(chr(10) + '-- ')} entries are in the database")
    return found


def play(drop_in: pathlib.Path, command: str, library: str) -> int:
    for line in (("mount", "--make-rprivate", "/"), ("mount", "-t", "tmpfs", "none", "/run")):
        if subprocess.run(line, check=False).returncode != 0:
            print("no mount namespace of its own")
            return SKIP
    pathlib.Path("/run/log/journal").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen([JOURNALD]) as journald:
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not pathlib.Path("/run/systemd/journal/stdout").exists():
                if journald.poll() is not None or time.monotonic() > deadline:
                    print("systemd-journald does not start here")
                    return SKIP
                time.sleep(0.05)
            environment = environment_of(drop_in, library, pathlib.Path(folder))
            # A service inherits nothing.
            service = ["systemd-cat", "-t", "service", "env", "-i", *(f"{name}={value}" for name, value in environment.items())]
            subprocess.run([*service, sys.executable, "-c", SERVICE], check=True, timeout=60)
            found = complaints_about(events(command, f"{folder}/events.log"), "the file", [True])
            found += complaints_about(journal_events(command, 1), "the report in the journal", [False])
            subprocess.run([*service, "PORTGUARD_LOG=journal", sys.executable, "-c", SERVICE], check=True, timeout=60)
            found += complaints_about(journal_events(command, 2), "log=journal", [True, False])
            found += field_complaints([*service, "PORTGUARD_LOG=journal"], command)
            found += catalog_complaints(command)
        finally:
            journald.terminate()
    print(*found, sep="\n")
    return 1 if found else 0


def main() -> int:
    if not pathlib.Path(JOURNALD).exists():
        print("systemd is not installed")
        return SKIP
    if IN_NAMESPACE not in os.environ:
        os.environ[IN_NAMESPACE] = "1"
        os.execvp("unshare", ["unshare", "--mount", *sys.argv])
    return play(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3])


if __name__ == "__main__":
    sys.exit(main())
