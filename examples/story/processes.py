"""Programs of the story: start one, know what it printed, wait for what it does, and leave none behind."""

import ctypes
import fcntl
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

DEADLINE = 20.0
CLONE_NEWNET = 0x40000000
LISTEN = "0A"
TIME_WAIT = "06"


class Program:
    """A started program. What it prints goes to a file, so that no full pipe can stop it; a program that
    `answers` is asked and read line by line instead."""

    def __init__(self, command: list[str], answers: bool = False) -> None:
        self.output = tempfile.NamedTemporaryFile(prefix="portguard-story-")
        # The guard writes into no file that might be data.
        fcntl.fcntl(self.output, fcntl.F_SETFL, os.O_APPEND)
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if answers else self.output,
            stderr=self.output,
            text=True,
        )

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill(signal.SIGTERM)
        self.process.stdin.close()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.output.close()

    def printed(self) -> list[str]:
        return pathlib.Path(self.output.name).read_text(errors="replace").splitlines()

    def line_with(self, text: str) -> str:
        return next((line for line in self.printed() if text in line), "")

    def guard_lines(self) -> list[str]:
        """The reports, each without its stack: the frames say nothing about the story."""
        lines = []
        inside = False
        for line in self.printed():
            goes_on = inside and line.startswith("  ") and not line.startswith("  stack ")
            inside = line.startswith("portguard:") or goes_on
            if inside:
                lines.append(line)
        return lines

    def ask(self, line: str) -> str:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.read_line()

    def read_line(self) -> str:
        return self.process.stdout.readline().strip()

    def ended(self) -> bool:
        return self.process.poll() is not None

    def kill(self, number: int = signal.SIGKILL) -> None:
        if not self.ended():
            self.process.send_signal(number)
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def wait_until(condition, what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"The story stopped: {what} did not come about in {DEADLINE:.0f} s")
        time.sleep(0.01)


def sockets(port: int, state: str) -> int:
    """How many IPv4 sockets have this local port and state (proc(5), /proc/net/tcp)."""
    rows = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = [row.split() for row in rows]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == state for row in fields)


def enter_new_network(ephemeral: tuple[int, int]) -> None:
    """A namespace without sockets: the TIME_WAIT of what ran before stays behind."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNET): " + os.strerror(ctypes.get_errno()))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(f"{ephemeral[0]} {ephemeral[1]}")


def must_start(program: "Program", port: int) -> None:
    if not starts(program, port):
        raise SystemExit("The story stopped: " + " ".join(program.printed()))


def starts(program: Program, port: int) -> bool:
    """True once it listens on `port`; False once it has ended instead."""
    wait_until(lambda: sockets(port, LISTEN) or program.ended(), f"an answer on port {port}")
    return sockets(port, LISTEN) > 0


def serves_http(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return b" 200 " in connection.recv(4096)


def longest_time_wait(port: int) -> int:
    """Seconds that the kernel still wants to keep `port`, as ss shows them."""
    shown = subprocess.run(
        ["ss", "-tanoH", "state", "time-wait", "sport", "=", f":{port}"], capture_output=True, text=True, check=True
    ).stdout
    return max((int(seconds) for seconds in re.findall(r"timewait,(?:0?(\d+)sec)", shown)), default=0)
