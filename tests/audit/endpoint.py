#!/usr/bin/python3
"""One program of a condition: it makes the sockets that SPEC (JSON) describes, prints one line of JSON and stays.

endpoint.py SPEC [COMMAND...]
"""

import errno
import json
import os
import signal
import socket
import subprocess
import sys

import connections
import sandboxes
from sockets import bound, listening, make, place, say, stay

IP_BIND_ADDRESS_NO_PORT = 24


def leave_file(spec: dict) -> None:
    """A name that is taken by what is no socket, or by one that has ended."""
    name, kind = spec["name"], spec["protocol"]
    if kind == "unix":
        bound(spec).close()
    elif kind == "unix_folder":
        os.mkdir(name)
    elif kind == "unix_regular_file":
        with open(name, "x", encoding="ascii"):
            pass
    else:
        os.symlink("nowhere", name)
    say(port=0)


def listen(spec: dict) -> None:
    if spec.get("ignores_sigterm"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    kept = listening(spec)
    for _ in range(spec.get("children", 0)):
        if os.fork() == 0:
            stay()
    say(port=spec["port"], fd=kept.fileno())
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


def parent(spec: dict) -> None:
    """Listens, and starts a child that asks for the same port."""
    kept = listening(spec)
    variables = {"SERVER_PORT": str(spec["port"])} if spec.get("variable") else {}
    status = subprocess.run(sys.argv[2:], env=os.environ | variables, check=False).returncode
    kept.close()
    sys.exit(status)


def ask_to_connect(spec: dict) -> None:
    kept, call = [], "connect"
    for number in range(spec["count"]):
        made = make(spec)
        if spec.get("no_port"):
            made.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        try:
            if "addresses" in spec:
                call = "bind"
                made.bind((spec["addresses"][number % len(spec["addresses"])], spec["port"]))
            call = "connect"
            made.connect((spec["peers"][number % len(spec["peers"])], spec["peer_port"]))
        except OSError as error:
            say(call=call, errno=errno.errorcode[error.errno])
            return
        if spec.get("hang_up"):
            made.shutdown(socket.SHUT_WR)
            made.recv(1)
            made.close()
        else:
            kept.append(made)
    say(call=call, errno=None)


def ask_to_bind(spec: dict) -> None:
    made, call = make(spec), "bind"
    try:
        if spec.get("unlink"):
            os.unlink(spec["name"])
        made.bind(place(spec))
        if spec.get("pause"):
            say(bound=True)
            sys.stdin.readline()
        call = "listen"
        if spec["protocol"] != "udp":
            made.listen(64)
        say(call=call, errno=None)
    except OSError as error:
        say(call=call, errno=errno.errorcode[error.errno])


def ask(spec: dict) -> None:
    """What is tried, beside the sockets of `own`."""
    kept = [listening(own) if own["role"] == "listen" else bound(own) for own in spec.get("own", [])]
    if spec.get("sandbox"):
        sandboxes.BY_NAME[spec["sandbox"]]()
    (ask_to_connect if "peers" in spec else ask_to_bind)(spec)
    del kept


ROLES = {role.__name__: role for role in (listen, bind, leave_file, bequeath, parent, ask, *connections.ROLES)}

if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    ROLES[given["role"]](given)
