"""What a call can go through: nothing, an empty object, portguard, and what others preload, trace or probe with."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import time

from measure.report import PLAIN

CALLS = ("bind", "connect", "setsockopt", "close")
PLAN = {"PORTGUARD_LISTEN": "80,5000-14999", "PORTGUARD_EPHEMERAL": "15000-65000", "PORTGUARD_LOG": "none"}
LIBRARIES = pathlib.Path("/usr/lib/x86_64-linux-gnu")
FIU = pathlib.Path("/usr/lib/fiu")
TRACEFS = pathlib.Path("/sys/kernel/tracing")


class Peer:
    """`missing` says why it cannot be had here; empty: it can."""

    def __init__(self, name: str, environment: dict[str, str] | None = None, command: list[str] | None = None,
                 missing: str = "") -> None:
        self.name = name
        self.environment = {"PATH": os.environ["PATH"], **(environment or {})}
        self.command = command or []
        self.missing = missing

    def run(self, command: list[str], timeout: float = 120) -> str:
        result = subprocess.run([*self.command, *command], env=self.environment, text=True, capture_output=True,
                                timeout=timeout, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"{self.name}: {command[0]} exited with {result.returncode}: {result.stderr[-300:]}")
        return result.stdout


def plain() -> Peer:
    return Peer(PLAIN)


def empty(build: str) -> Peer:
    return Peer("empty object", {"LD_PRELOAD": f"{build}/lib/libbench_empty.so"})


def portguard(build: str, **more: str) -> Peer:
    return Peer("portguard", {"LD_PRELOAD": f"{build}/lib/libportguard.so", **PLAN, **more})


def preloaded(name: str, package: str, objects: list[pathlib.Path], **environment: str) -> Peer:
    absent = [path for path in objects if not path.exists()]
    return Peer(name, {"LD_PRELOAD": ":".join(map(str, objects)), **environment},
                missing=f"{absent[0]} is not there: package {package}" if absent else "")


def strace() -> Peer:
    path = shutil.which("strace")
    return Peer("strace", command=[path or "strace", "-f", "-o", "/dev/null", "-e", "trace=" + ",".join(CALLS)],
                missing="" if path else "no strace: package strace")


def everyone(build: str, folder: str) -> list[Peer]:
    """All but bpftrace, which does not belong to one process. `folder` takes what they want to have on disk."""
    torsocks = pathlib.Path(folder, "torsocks.conf")
    torsocks.write_text("AllowOutboundLocalhost 1\nAllowInbound 1\n")
    proxychains = pathlib.Path(folder, "proxychains.conf")
    proxychains.write_text("strict_chain\nquiet_mode\nlocalnet 127.0.0.0/255.0.0.0\n[ProxyList]\n"
                           "socks4 127.0.0.1 9050\n")
    sockets = pathlib.Path(folder, "sockets")
    sockets.mkdir()
    return [
        empty(build), portguard(build),
        preloaded("libsocket_wrapper", "libsocket-wrapper", [LIBRARIES / "libsocket_wrapper.so"],
                  SOCKET_WRAPPER_DIR=str(sockets)),
        preloaded("torsocks", "torsocks", [LIBRARIES / "torsocks/libtorsocks.so"],
                  TORSOCKS_CONF_FILE=str(torsocks)),
        preloaded("proxychains4", "proxychains4", [LIBRARIES / "libproxychains.so.4"],
                  PROXYCHAINS_CONF_FILE=str(proxychains), PROXYCHAINS_QUIET_MODE="1"),
        preloaded("libkeepalive", "libkeepalive0", [pathlib.Path("/usr/lib/libkeepalive.so")]),
        preloaded("fiu-run -x", "fiu-utils", [FIU / "fiu_run_preload.so", FIU / "fiu_posix_preload.so"]),
        strace(),
    ]


class BpftraceUnavailable(Exception):
    pass


@contextlib.contextmanager
def bpftrace():
    """The four tracepoints are counted, on the whole machine, while the block runs."""
    if shutil.which("bpftrace") is None:
        raise BpftraceUnavailable("no bpftrace: package bpftrace")
    # The mount goes with the mount namespace that tests/bench/run works in.
    if not (TRACEFS / "events").exists():
        subprocess.run(["mount", "-t", "tracefs", "tracefs", str(TRACEFS)], capture_output=True, check=False)
    probes = ",".join(f"tracepoint:syscalls:sys_enter_{call}" for call in CALLS)
    process = subprocess.Popen(["bpftrace", "-e", f'BEGIN {{ printf("ready\\n"); }} {probes} {{ @[probe] = count(); }}'],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        # Its own banner ("Attaching 5 probes...") comes first; BEGIN runs when all are attached.
        while (said := process.stdout.readline()) != "ready\n":
            if not said:
                reason = process.stderr.read().strip().splitlines() or ["it said nothing"]
                raise BpftraceUnavailable(f"bpftrace cannot attach here: {reason[-1]}")
        time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=30)
