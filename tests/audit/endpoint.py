#!/usr/bin/python3
"""One program of a condition: it makes the sockets that SPEC (JSON) describes, prints one line of JSON and stays.

endpoint.py SPEC
"""

import ctypes
import errno
import json
import os
import socket
import struct
import subprocess
import sys
import time

MPTCP = 262
SO_REUSEPORT = 15
IP_BIND_ADDRESS_NO_PORT = 24
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
SYS_LANDLOCK_CREATE_RULESET, SYS_LANDLOCK_RESTRICT_SELF = 444, 446
PR_SET_NO_NEW_PRIVS = 38
LANDLOCK_ACCESS_NET_BIND_TCP = 1


def say(**words) -> None:
    print(json.dumps(words), flush=True)


def stay() -> None:
    while True:
        time.sleep(1000)


def make(spec: dict) -> socket.socket:
    kind = socket.SOCK_DGRAM if spec["protocol"] in ("udp", "unix_datagram") else socket.SOCK_STREAM
    if spec["protocol"].startswith("unix"):
        return socket.socket(socket.AF_UNIX, kind)
    made = socket.socket(FAMILIES[spec["family"]], kind, MPTCP if spec["protocol"] == "mptcp" else 0)
    if "a" in spec.get("flags", ""):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if "p" in spec.get("flags", ""):
        made.setsockopt(socket.SOL_SOCKET, SO_REUSEPORT, 1)
    if spec["family"] == 6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(spec.get("v6only", False)))
    return made


def bound(spec: dict) -> socket.socket:
    made = make(spec)
    made.bind(place(spec))
    return made


def place(spec: dict):
    """The name of a unix socket, else address and port."""
    return spec["name"].replace("@", "\0") if spec["protocol"].startswith("unix") else (spec["address"], spec["port"])


def leave_file(spec: dict) -> None:
    """A name that is taken by what is no socket, or by one that has ended."""
    if spec["protocol"] == "unix":
        bound(spec).close()
    else:
        os.mkdir(spec["name"])
    say(port=0)


def listening(spec: dict) -> socket.socket:
    made = bound(spec)
    made.listen(64)
    return made


def listen(spec: dict) -> None:
    kept = listening(spec)
    say(port=spec["port"])
    stay()


def bind(spec: dict) -> None:
    kept = bound(spec)
    if "peer" in spec:
        kept.connect((spec["peer"], 9999))
    say(port=spec["port"])
    stay()


def bequeath(spec: dict) -> None:
    """A child that never opened it keeps the listening socket, and this process ends."""
    kept = listening(spec)
    fds = [] if spec.get("cloexec") else [kept.fileno()]
    child = subprocess.Popen(["setsid", "sleep", "1000"], pass_fds=fds, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    say(port=spec["port"], pid=child.pid)


def dial(spec: dict) -> None:
    """Outgoing connections; from `port` where that is given."""
    kept = []
    for _ in range(spec.get("count", 1)):
        made = make(spec)
        if spec.get("port"):
            made.bind((spec["address"], spec["port"]))
        try:
            made.connect((spec["peer"], spec["peer_port"]))
        except OSError as error:
            if not kept:
                raise
            say_no_more = error.errno == errno.EADDRNOTAVAIL
            assert say_no_more, error
            break
        kept.append(made)
    say(port=kept[0].getsockname()[1])
    if spec.get("hang_up"):
        for made in kept:
            made.shutdown(socket.SHUT_WR)
            made.recv(1)
            made.close()
    stay()


def accept_all(spec: dict) -> None:
    """Who outgoing connections go to: it closes after its peer."""
    kept = listening(spec)
    say(port=spec["port"])
    connections = []
    while True:
        made = kept.accept()[0]
        connections.append(made)
        if spec.get("follow"):
            made.recv(1)
            made.close()


def serve(spec: dict) -> None:
    """A server that has stopped listening and still has, or has left behind, a connection in `state`."""
    server = listening(spec)
    family = FAMILIES[spec["family"]]
    client = socket.socket(family, socket.SOCK_STREAM, MPTCP if spec["protocol"] == "mptcp" else 0)
    client.connect((spec["peer"], spec["port"]))
    made = server.accept()[0]
    peer = os.fork()
    if peer == 0:
        server.close()
        made.close()
        end_of_client(spec["state"], client)
    client.close()
    server.close()
    end_of_server(spec["state"], made)
    if spec["state"] in ("established", "close_wait", "fin_wait2"):
        say(port=spec["port"])
        stay()
    say(port=spec["port"], pid=0)


def end_of_client(state: str, client: socket.socket) -> None:
    if state == "close_wait":
        client.shutdown(socket.SHUT_WR)
    elif state == "orphan_last_ack":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.shutdown(socket.SHUT_WR)
    elif state == "time_wait":
        client.recv(1)
        client.close()
    stay()


def end_of_server(state: str, made: socket.socket) -> None:
    if state == "close_wait":
        made.recv(1)
    elif state == "fin_wait2":
        made.shutdown(socket.SHUT_WR)
    elif state == "time_wait":
        made.shutdown(socket.SHUT_WR)
        made.recv(1)
        made.close()
    elif state == "orphan_fin_wait2":
        made.close()
    elif state in ("orphan_fin_wait1", "orphan_last_ack"):
        if state == "orphan_last_ack":
            made.recv(1)
        made.setblocking(False)
        try:
            while True:
                made.send(bytes(65536))
        except BlockingIOError:
            made.close()


def self_connect(spec: dict) -> None:
    made = bound(spec)
    made.connect((spec["address"], spec["port"]))
    say(port=spec["port"])
    stay()


def forbid_binds() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    rules = struct.pack("QQ", 0, LANDLOCK_ACCESS_NET_BIND_TCP)
    ruleset = libc.syscall(SYS_LANDLOCK_CREATE_RULESET, rules, len(rules), 0)
    if ruleset < 0:
        raise SystemExit("no Landlock for the network (Linux 6.7)")
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.syscall(SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0)


def ask(spec: dict) -> None:
    """What is tried: `own` sockets first, then bind and listen, or connect; `pause` waits between the two."""
    kept = [listening(own) if own["role"] == "listen" else bound(own) for own in spec.get("own", [])]
    if spec.get("sandbox") == "landlock":
        forbid_binds()
    made, call = make(spec), "bind"
    try:
        if "peers" in spec:
            for number in range(spec["count"]):
                made = make(spec)
                if spec.get("no_port"):
                    made.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                if "address" in spec:
                    call = "bind"
                    made.bind((spec["address"], spec["port"]))
                call = "connect"
                made.connect((spec["peers"][number % len(spec["peers"])], spec["peer_port"]))
                kept.append(made)
        else:
            if spec.get("unlink"):
                os.unlink(spec["name"])
            made.bind(place(spec))
            if spec.get("pause"):
                say(bound=True)
                sys.stdin.readline()
            call = "listen"
            if spec["protocol"] != "udp" and not spec.get("bind_only"):
                made.listen(64)
        say(call=call, errno=None)
    except OSError as error:
        say(call=call, errno=errno.errorcode[error.errno])


ROLES = {role.__name__: role for role in (listen, bind, leave_file, bequeath, dial, accept_all, serve, self_connect, ask)}

if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    ROLES[given["role"]](given)
