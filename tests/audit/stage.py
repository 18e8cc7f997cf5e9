"""A host of its own for one condition: namespaces of network, processes, mounts and cgroups; what is built in it is real."""

import ctypes
import json
import os
import select
import signal
import subprocess
import time

from conditions import Condition

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x2000000, 0x20000000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000

PORT, PEER_PORT, PLAIN_PORT = 7000, 9000, 45000
# Where unix sockets have their names: a folder as /tmp is, of the mount namespace.
NAMES = "/mnt"
# Where outgoing connections of a condition get their ports: few, so that one of them can be met again.
RANGE = (7100, 7107)
PLAN = {"PORTGUARD_LISTEN": "80,7000-7999", "PORTGUARD_EPHEMERAL": "40000-49999"}
PATIENCE_S = 10


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


def set_range(low: int, high: int) -> None:
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as file:
        file.write(f"{low} {high}")


class Stage:
    """`folder` has bin/, lib/ and the two names of endpoint.py."""

    def __init__(self, folder: str, condition: Condition):
        self.folder, self.condition = folder, condition
        self.port = PORT
        self.holders: list[subprocess.Popen] = []
        self.dialer_prefix: list[str] = []
        self.dialed: dict = {}

    def portguard(self) -> str:
        return self.folder + "/bin/portguard"

    def start(self, spec: dict, script: str, prefix=(), **variables: str) -> subprocess.Popen:
        words = [*prefix, "env", *(f"{name}={value}" for name, value in variables.items()),
                 "/usr/bin/python3", "-S", "-E", f"{self.folder}/{script}", json.dumps(spec)]
        return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/")

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

    def asker_prefix(self, uid: int) -> list[str]:
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

    # Building.

    def build(self) -> None:
        condition = self.condition
        family = condition.holder_family()
        self.spec = {"protocol": condition.protocol, "family": family, "flags": condition.holder_flags,
                     "address": condition.holder_address(), "port": PORT, "v6only": condition.v6only,
                     "cloexec": condition.cloexec, "name": "@audit" if condition.kind == "unix_abstract" else NAMES + "/s"}
        self.loopback = {4: "127.0.0.1", 6: "::1"}[family]
        kind = condition.kind
        if kind.startswith(("accepted_", "orphan_")):
            state = kind.removeprefix("accepted_")
            self.hold(role="serve", state=state, peer=self.loopback, **self.spec)
        elif kind.startswith(("outgoing", "exhausted", "four_tuple")):
            self.build_outgoing()
        elif kind == "hold":
            holder = subprocess.Popen([self.portguard(), "hold", str(PORT), "--for=1h"], stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
            self.holders.append(holder)
            if not holder.stdout.readline().startswith(b"ready"):
                raise NotBuilt("portguard hold")
        elif kind in ("listener", "listener_same_program"):
            self.hold("endpoint.py" if kind.endswith("program") else "server.py", role="listen", **self.spec)
        elif kind in ("bound", "second_listen"):
            if kind == "bound":
                self.hold(role="bind", **self.spec)
        else:
            self.build_other(kind)

    def build_other(self, kind: str) -> None:
        if kind == "udp_connected":
            self.hold(role="bind", peer=self.loopback, **self.spec)
        elif kind == "inherited":
            self.hold(role="bequeath", **self.spec)
        elif kind == "self_connected":
            self.hold(role="self_connect", **self.spec)
        elif kind == "ipv6_disabled":
            run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        elif kind == "privileged":
            self.port = 80
        elif kind == "outside_plan":
            self.port = 6500
        elif kind == "in_ephemeral_range":
            self.port = PLAIN_PORT
        elif kind in ("unix_listener", "unix_abstract"):
            self.hold(role="listen", **self.spec)
        elif kind == "unix_datagram":
            self.hold(role="bind", **(self.spec | {"protocol": kind}))
        elif kind in ("unix_stale", "unix_folder"):
            self.hold(role="leave_file", **(self.spec | {"protocol": "unix" if kind == "unix_stale" else kind}))

    def start_target(self) -> None:
        """Who connections go to."""
        family = self.condition.holder_family()
        target = {"role": "accept_all", "address": {4: "0.0.0.0", 6: "::"}[family], "port": PEER_PORT, "protocol": "tcp",
                  "family": family, "v6only": family == 6, "follow": self.condition.kind == "outgoing_time_wait"}
        self.line_of(self.start(target, "server.py"))

    def build_outgoing(self) -> None:
        kind = self.condition.kind
        self.start_target()
        if kind in ("exhausted_connect", "exhausted_bind"):
            set_range(RANGE[0], RANGE[0] + 1)
            return
        if kind == "four_tuple":
            return
        if kind == "outgoing_chosen":
            self.port = PORT
        else:
            set_range(*RANGE)
        self.dialed = self.spec | {"role": "dial", "peer": self.loopback, "peer_port": PEER_PORT,
                                   "port": PORT if kind == "outgoing_chosen" and not self.condition.alone else 0,
                                   "hang_up": kind == "outgoing_time_wait"}
        self.port = self.hold(prefix=self.dialer_prefix, **self.dialed)["port"]
        if self.condition.alone:
            self.port = PORT
        if kind == "outgoing_time_wait":
            self.wait_for_time_wait()

    def wait_for_time_wait(self) -> None:
        for _ in range(1000):
            shown = subprocess.run(["ss", "-Htan", "state", "time-wait", "sport", "=", f":{self.port}"],
                                   capture_output=True, check=True)
            if shown.stdout:
                return
            time.sleep(0.01)
        raise NotBuilt("no TIME_WAIT")

    def start_again(self) -> None:
        """The holders end and start anew: outgoing ones take every port that they are given now."""
        port, kind = self.port, self.condition.kind
        self.end_holders()
        if kind in ("outgoing", "outgoing_time_wait"):
            self.start_target()
            self.hold(prefix=self.dialer_prefix, **(self.dialed | {"count": 4}))
        elif kind.startswith(("exhausted", "four_tuple")):
            self.start_target()
        elif kind.startswith(("accepted_", "orphan_")) and self.dialer_prefix:
            self.hold(prefix=self.dialer_prefix, role="serve", state=kind.removeprefix("accepted_"), peer=self.loopback,
                      **self.spec)
        self.port = port
