"""Starts a server of servers.toml twice on one port, and prints as JSON what happened.

usage: one_server.py NAME without|plain|plan|supervisor BUILD     as process 1 of new network, mount and pid namespaces
"""

import http.server
import json
import os
import pathlib
import pwd
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time

import conversations
import table

FOLDER = pathlib.Path("/run/daemon")
EVENTS = FOLDER / "events"
# The least that is reported: the first start shows that nothing is wrong, the second how much is said of what is not.
LEVELS = {"first": "warn", "second": "info"}
BUILD = pathlib.Path("/run/portguard")
START_SECONDS = 60.0
# Of a busy machine: some servers are ended by SIGPIPE when a client is gone before it was greeted (nbd-server -d).
ANSWER_SECONDS = 10.0
# A server that waits for its clients to leave is killed, with its connections open.
STOP_SECONDS = 3.0
TIME_WAIT = "06"
ZONE = "@ 60 IN SOA ns.test. root.test. 1 60 60 60 60\n@ 60 IN NS ns.test.\n@ 60 IN A 192.0.2.7\nns 60 IN A 127.0.0.1\n"


def run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def make_private(build: str) -> None:
    """What a server writes to /etc, /var, /run and /tmp is gone with the namespace."""
    run("ip", "link", "set", "lo", "up")
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    BUILD.mkdir()
    run("mount", "--bind", build, str(BUILD))
    for name in ("etc", "var"):
        upper, work = pathlib.Path("/run/private", name, "upper"), pathlib.Path("/run/private", name, "work")
        upper.mkdir(parents=True)
        work.mkdir()
        run("mount", "-t", "overlay", "-o", f"lowerdir=/{name},upperdir={upper},workdir={work}", "overlay", f"/{name}")
    run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/tmp")
    FOLDER.mkdir()
    EVENTS.mkdir()
    for folder in (FOLDER, EVENTS):
        folder.chmod(0o777)


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # pylint: disable=invalid-name
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_HEAD = do_GET

    def log_message(self, *_) -> None:
        pass


def serve_upstream() -> None:
    server = http.server.ThreadingHTTPServer(conversations.UPSTREAM, Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def prepare(server: dict) -> None:
    (FOLDER / "test.zone").write_text(ZONE)
    for name, text in server["files"].items():
        (FOLDER / name).write_text(text)
    if server["request"] == "https":
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "9",
            "-keyout", str(FOLDER / "key.pem"), "-out", str(FOLDER / "cert.pem"))
        certificate = FOLDER / "certificate.pem"
        certificate.write_text((FOLDER / "key.pem").read_text() + (FOLDER / "cert.pem").read_text())
    if server["prepare"]:
        subprocess.run(["/bin/sh", "-ec", server["prepare"]], check=True, cwd=FOLDER, stdout=sys.stderr)


def command_of(server: dict, how: str, level: str) -> list[str]:
    command = shlex.split(server["start"])
    if how != "without":
        options = [f"--record=file:{EVENTS}/%p", f"--level={level}"]
        if how == "supervisor":
            options.append("--front-end=supervisor")
        if how in ("plan", "supervisor"):
            options += [f"--listen={server['ports']}", f"--ephemeral={server['ephemeral']}"]
        command = [str(BUILD / "bin/portguard"), "run", *options, "--", *command]
    if server["user"] != "root":
        user = pwd.getpwnam(server["user"])
        command = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups", *command]
    return command


def others() -> list[int]:
    """Every living process of the namespace but ourselves."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != "1":
            try:
                if (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z":
                    found.append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                pass
    return found


def wait_until(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def time_wait_sockets() -> int:
    rows = []
    for name in ("tcp", "tcp6"):
        rows += [row.split() for row in pathlib.Path("/proc/net", name).read_text().splitlines()[1:]]
    return sum(row[3] == TIME_WAIT and row[1].endswith(f":{conversations.ADDRESS[1]:04X}") for row in rows)


class Start:
    """One start of the server, until it answers or it is certain that it will not."""

    def __init__(self, server: dict, how: str, name: str) -> None:
        self.server = server
        self.output = FOLDER / f"output-{name}"
        self.connections: list[socket.socket] = []
        environment = {"PATH": os.environ["PATH"], "HOME": str(FOLDER), "LANG": "C.UTF-8", **server["environment"]}
        # As a shell's ">>": the guard writes into no file that something else may be overwriting.
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(command_of(server, how, LEVELS[name]), cwd=FOLDER, env=environment,
                                            start_new_session=True, stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=subprocess.STDOUT)
        self.why = "it does not answer"
        self.answers = self.await_answer()

    def has_ended(self) -> bool:
        """A daemon's first process ends as a matter of course."""
        status = self.process.poll()
        return status is not None and (status != 0 or not self.server["pidfile"])

    def await_answer(self) -> bool:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.has_ended():
                self.why = f"it ended with status {self.process.returncode}"
                return False
            try:
                self.connections += filter(None, [conversations.converse(self.server, ANSWER_SECONDS)])
                return True
            except (OSError, conversations.Unanswered) as error:
                self.why = f"it does not answer: {error}"
            time.sleep(0.02)
        return False

    def main_pid(self) -> int:
        """A daemon writes its pid when it likes, often after it listens."""
        if not self.server["pidfile"]:
            return self.process.pid
        path = pathlib.Path(self.server["pidfile"])
        wait_until(lambda: path.exists() and path.read_text().strip(), STOP_SECONDS)
        return int(path.read_text())

    def stop(self) -> None:
        """By its own pid; the connections are still open, so that its end of them closes first."""
        if self.answers:
            send(self.main_pid(), signal.SIGTERM)
            wait_until(lambda: not others(), STOP_SECONDS)
        while others():
            for pid in others():
                send(pid, signal.SIGKILL)
        self.process.wait()
        for connection in self.connections:
            try:
                while connection.recv(65536):
                    pass
            except OSError:
                pass
            connection.close()

    def told(self) -> dict:
        printed = self.output.read_text(errors="replace")
        return {
            "answers": self.answers, "why": self.why, "status": self.process.returncode, "printed": printed[-3000:],
            "lines": [line for line in printed.splitlines() if line.startswith("portguard:")],
        }


def recorded() -> list[dict]:
    """The events so far, which are then forgotten."""
    events = []
    for path in sorted(EVENTS.iterdir()):
        events += [json.loads(line) for line in path.read_text().splitlines()]
        path.unlink()
    return [{name: event.get(name) for name in ("event", "call", "errno", "protocol", "address", "port", "sentence")}
            for event in events]


def main() -> None:
    name, how, build = sys.argv[1:]
    server = table.servers()[name]
    make_private(build)
    serve_upstream()
    prepare(server)
    result = {}
    for start in ("first", "second"):
        blockers = time_wait_sockets()
        begun = time.monotonic()
        one = Start(server, how, start)
        seconds = time.monotonic() - begun
        one.stop()
        result[start] = one.told() | {"events": recorded(), "time_wait": blockers, "seconds": round(seconds, 2)}
    json.dump(result, sys.stdout)


main()
