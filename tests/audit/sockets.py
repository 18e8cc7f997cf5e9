"""The sockets of endpoint.py, and what it says of them."""

import json
import socket
import time

MPTCP = 262
SO_REUSEPORT = 15
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


def say(**words) -> None:
    print(json.dumps(words), flush=True)


def stay() -> None:
    while True:
        time.sleep(1000)


def stream(spec: dict) -> socket.socket:
    """TCP or MPTCP, without options."""
    return socket.socket(FAMILIES[spec["family"]], socket.SOCK_STREAM, MPTCP if spec["protocol"] == "mptcp" else 0)


def make(spec: dict) -> socket.socket:
    kind = socket.SOCK_DGRAM if spec["protocol"] in ("udp", "unix_datagram") else socket.SOCK_STREAM
    if spec["protocol"].startswith("unix"):
        return socket.socket(socket.AF_UNIX, kind)
    made = socket.socket(FAMILIES[spec["family"]], kind) if kind == socket.SOCK_DGRAM else stream(spec)
    if "a" in spec.get("flags", ""):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if "p" in spec.get("flags", ""):
        made.setsockopt(socket.SOL_SOCKET, SO_REUSEPORT, 1)
    if spec["family"] == 6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(spec.get("v6only", False)))
    if "device" in spec:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, spec["device"].encode() + b"\0")
    return made


def place(spec: dict):
    """The name of a unix socket, else address and port."""
    return spec["name"].replace("@", "\0") if spec["protocol"].startswith("unix") else (spec["address"], spec["port"])


def bound(spec: dict) -> socket.socket:
    made = make(spec)
    made.bind(place(spec))
    return made


def listening(spec: dict) -> socket.socket:
    made = bound(spec)
    made.listen(64)
    return made
