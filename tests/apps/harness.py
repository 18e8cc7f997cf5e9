"""What the tests of real programs share: a guarded process, a deadline, and questions put to the kernel."""

import ctypes
import fcntl
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import unittest

CLONE_NEWNET = 0x40000000
PLAN = ["--listen=5000-14999", "--ephemeral=15000-65000"]
DEADLINE = 30.0
SYS_PIDFD_GETFD = 438
LISTEN = "0A"
CLOSING = {"04": "FIN_WAIT1", "05": "FIN_WAIT2", "06": "TIME_WAIT", "08": "CLOSE_WAIT", "09": "LAST_ACK"}


def guarded(command: list[str], options: list[str]) -> list[str]:
    return [os.environ["PORTGUARD_TEST_COMMAND"], "run", *options, "--", *command]


def wait_until(condition, what: str, process: "Process | None" = None, deadline: float = DEADLINE) -> None:
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            printed = f"; it printed:\n{process.printed()}" if process else ""
            raise AssertionError(f"not in {deadline:.0f} s: {what}{printed}")
        time.sleep(0.01)


def enter_new_network() -> None:
    """A namespace without sockets, so that no test meets the TIME_WAIT of the one before."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNET)")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def set_ephemeral_range(low: int, high: int) -> None:
    pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(f"{low} {high}")


class Process:
    """A program in a session of its own: its children are found and ended with it, and nobody else."""

    def __init__(self, command: list[str], folder: str) -> None:
        self.output = tempfile.NamedTemporaryFile(dir=folder, prefix="output-", delete=False)
        # The guard writes into no file that might be data.
        fcntl.fcntl(self.output, fcntl.F_SETFL, os.O_APPEND)
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def printed(self) -> str:
        return pathlib.Path(self.output.name).read_text(errors="replace")

    def guard_lines(self) -> list[str]:
        """The first line of each report: what explains it may follow."""
        return [line for line in self.printed().splitlines() if line.startswith("portguard:")]

    def is_silent_about_us(self) -> bool:
        """Not even a complaint of the loader's that it could not preload us."""
        return "portguard:" not in self.printed() and "libportguard" not in self.printed()

    def ended(self) -> bool:
        return self.process.poll() is not None

    def pids(self) -> list[int]:
        """Itself and what it has started: everything alive in its session (proc(5), fields 3 and 6 of stat)."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if int(fields[3]) == self.pid and fields[0] != "Z":
                    found.append(int(entry.name))
        return found

    def kill(self) -> None:
        """SIGKILL for the program and its workers: no chance for any of them to close a socket in order."""
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(DEADLINE)
        wait_until(lambda: not self.pids(), f"the end of every process of session {self.pid}")

    def close(self) -> None:
        self.kill()
        self.output.close()


class TcpSocket:
    """A row of /proc/net/tcp or tcp6."""

    def __init__(self, row: str) -> None:
        fields = row.split()
        self.local_port = int(fields[1].rpartition(":")[2], 16)
        self.state = fields[3]
        self.inode = int(fields[9])


def tcp_sockets(local_port: int) -> list[TcpSocket]:
    rows = []
    for name in ("tcp", "tcp6"):
        rows += pathlib.Path("/proc/net", name).read_text().splitlines()[1:]
    return [found for found in map(TcpSocket, rows) if found.local_port == local_port]


def listeners(port: int) -> list[TcpSocket]:
    return [found for found in tcp_sockets(port) if found.state == LISTEN]


def left_behind(port: int) -> list[str]:
    """The states of what a killed server has left on its port."""
    return [CLOSING[found.state] for found in tcp_sockets(port) if found.state in CLOSING]


def borrow_fd(pid: int, fd: int) -> int:
    """A duplicate of another process's fd (pidfd_getfd(2), which Python does not have)."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    try:
        borrowed = libc.syscall(SYS_PIDFD_GETFD, pidfd, fd, 0)
    finally:
        os.close(pidfd)
    if borrowed < 0:
        raise OSError(ctypes.get_errno(), f"pidfd_getfd of fd {fd} of pid {pid}")
    return borrowed


def listening_fd(process: Process, port: int) -> tuple[int, int]:
    wanted = {f"socket:[{found.inode}]" for found in listeners(port)}
    for pid in process.pids():
        for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = os.readlink(entry)
            except FileNotFoundError:
                continue
            if target in wanted:
                return pid, int(entry.name)
    raise AssertionError(f"nobody in session {process.pid} listens on {port}")


def listener_has_reuseaddr(process: Process, port: int) -> bool:
    with socket.socket(fileno=borrow_fd(*listening_fd(process, port))) as borrowed:
        return borrowed.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) != 0


class AppTest(unittest.TestCase):
    """A network and a folder for the programs, and an end for every process that a test started."""

    def setUp(self) -> None:
        enter_new_network()
        folder = tempfile.TemporaryDirectory(prefix="portguard-apps-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def start(self, command: list[str]) -> Process:
        process = Process(command, self.folder)
        self.addCleanup(process.close)
        return process
