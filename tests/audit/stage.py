"""A host of its own for one condition: namespaces of network, processes, mounts and cgroups; what is built in it is real."""

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import time

from conditions import Condition

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x2000000, 0x20000000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000

PORT, PEER_PORT, PLAIN_PORT = 7000, 9000, 45000
# Where unix sockets have their names: a folder as /tmp is, of the mount namespace.
NAMES = "/mnt"
PATIENCE_S = 10
# Programs of users: from there on they hold what was asked for.
FIRST_UNPRIVILEGED = 7500


class NotBuilt(Exception):
    """The condition cannot be had on this kernel."""


def enter_namespaces() -> None:
    """In a child of a single thread; the child of this one is the first of its pid namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWPID | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    child = os.fork()
    if child != 0:
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xff)
    libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    if libc.mount(b"proc", b"/proc", b"proc", 0, None) != 0:
        raise OSError(ctypes.get_errno(), "mount /proc")
    if libc.mount(b"tmpfs", NAMES.encode(), b"tmpfs", 0, b"mode=1777") != 0:
        raise OSError(ctypes.get_errno(), "mount " + NAMES)
    run("ip", "link", "set", "lo", "up")
    for address in ("fd00::1", "fd00::2"):
        run("ip", "address", "add", address + "/128", "dev", "lo", "nodad")


def run(*words: str) -> None:
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


def set_sysctl(name: str, value: str) -> None:
    with open("/proc/sys/net/" + name, "w", encoding="ascii") as file:
        file.write(value)


class Stage:
    """`folder` has bin/, lib/ and the two names of endpoint.py."""

    def __init__(self, folder: str, condition: Condition):
        self.folder, self.condition = folder, condition
        self.port = PORT
        self.spec: dict = {}
        self.holders: list[subprocess.Popen] = []
        self.dialer_prefix: list[str] = []
        self.dialed: dict = {}
        self.own_socket: socket.socket | None = None

    def portguard(self) -> str:
        return self.folder + "/bin/portguard"

    def words_of(self, spec: dict, script: str, prefix=(), **variables: str) -> list[str]:
        # Behind options of an interpreter no one else knows which word is the program.
        options = () if self.condition.kind == "listener_same_program" else ("-S", "-E")
        return [*prefix, "env", *(f"{name}={value}" for name, value in variables.items()),
                "/usr/bin/python3", *options, f"{self.folder}/{script}", json.dumps(spec)]

    def start(self, spec: dict, script: str, prefix=(), **variables: str) -> subprocess.Popen:
        return subprocess.Popen(self.words_of(spec, script, prefix, **variables), stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/")

    def line_of(self, process: subprocess.Popen) -> dict:
        if select.select([process.stdout], [], [], PATIENCE_S)[0]:
            line = process.stdout.readline()
            if line:
                return json.loads(line)
        process.kill()
        raise NotBuilt(process.communicate()[1].decode(errors="replace").strip().splitlines()[-1:])

    @staticmethod
    def as_user(uid: int) -> list[str]:
        return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] if uid else []

    def command_prefix(self, uid: int) -> list[str]:
        own_processes = ["unshare", "--pid", "--fork", "--mount-proc"] if self.condition.pid_namespace else []
        return own_processes + self.as_user(uid)

    def hold(self, script="server.py", prefix=(), **spec) -> dict:
        holder = self.start(spec, script, [*prefix, *self.as_user(self.condition.holder_uid)])
        self.holders.append(holder)
        return self.line_of(holder)

    def holder_pids(self) -> set[int]:
        """Of the holders and whatever they started: all but the first process of the namespace and its tools."""
        return {int(name) for name in os.listdir("/proc") if name.isdigit()} - {os.getpid()}

    def end_holders(self) -> None:
        if self.own_socket is not None:
            self.own_socket.close()
        for pid in self.holder_pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for holder in self.holders:
            holder.wait()
        self.holders = []
        self.forget_connections()
        for name in os.listdir(NAMES):
            run("rm", "-r", f"{NAMES}/{name}")

    def forget_connections(self) -> None:
        """What would otherwise last for a minute."""
        for _ in range(3):
            subprocess.run(["ss", "-K", "-tan"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def forget_what_ends(self) -> None:
        """Sockets of the port that no process has and that have a timer."""
        for state in ("time-wait", "fin-wait-2"):
            subprocess.run(["ss", "-K", "-tan", "state", state, "sport", "=", f":{self.port}"], check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def shown(self, *words: str) -> list[str]:
        """Lines of ss(8) about TCP sockets of the port."""
        found = subprocess.run(["ss", "-Htano", *words, "sport", "=", f":{self.port}"], capture_output=True, check=True,
                               text=True)
        return found.stdout.splitlines()

    def wait_for_state(self, state: str) -> None:
        for _ in range(1000):
            if self.shown("state", state):
                return
            time.sleep(0.01)
        raise NotBuilt("no " + state)
