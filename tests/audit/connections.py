"""Roles of endpoint.py that connect, and what is left of it."""

import errno
import os
import socket
import time

from sockets import bound, listening, make, say, stay, stream


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
            assert error.errno == errno.EADDRNOTAVAIL, error
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


def self_connect(spec: dict) -> None:
    """By its own choice; where that is left to the kernel (`tries`), whenever it is given the destination's port."""
    for _ in range(spec.get("tries", 1)):
        made = make(spec) if spec.get("tries") or spec.get("no_bind") else bound(spec)
        try:
            made.connect((spec["address"], spec["port"]))
            say(port=spec["port"])
            stay()
        except ConnectionRefusedError:
            made.close()
    say(port=0)
    stay()


def serve(spec: dict) -> None:
    """A server that has stopped listening, unless `listens`, and still has, or has left behind, a connection in
    `state`."""
    server = listening(spec)
    client = stream(spec)
    client.connect((spec["peer"], spec["port"]))
    made = server.accept()[0]
    server_pid = os.getpid()
    peer = os.fork()
    if peer == 0:
        server.close()
        made.close()
        end_of_client(spec["state"], client, server_pid)
    client.close()
    if not spec.get("listens"):
        server.close()
    end_of_server(spec["state"], made)
    if spec["state"].startswith(("time_wait", "orphan_")):
        say(port=spec["port"], pid=0)
        return
    say(port=spec["port"])
    stay()


def end_of_client(state: str, client: socket.socket, server: int) -> None:
    if state in ("close_wait", "deaf_close_wait", "orphan_last_ack"):
        client.shutdown(socket.SHUT_WR)
    elif state == "orphan_closing":
        # Once the server has closed, which it does before it ends.
        while os.getppid() == server:
            time.sleep(0.01)
        client.shutdown(socket.SHUT_WR)
    elif state == "time_wait":
        client.recv(1)
        client.close()
    stay()


def fill(made: socket.socket) -> None:
    """What the peer will not read."""
    made.setblocking(False)
    try:
        while True:
            made.send(b"x" * 65536)
    except BlockingIOError:
        pass


def end_of_server(state: str, made: socket.socket) -> None:
    if state in ("close_wait", "deaf_close_wait", "orphan_last_ack"):
        made.recv(1)
    if state == "fin_wait2":
        made.shutdown(socket.SHUT_WR)
    elif state == "time_wait":
        made.shutdown(socket.SHUT_WR)
        made.recv(1)
        made.close()
    elif state == "orphan_fin_wait2":
        made.close()
    elif state.startswith(("deaf", "orphan_")):
        fill(made)
        if state.startswith("orphan_"):
            made.close()


ROLES = (dial, accept_all, self_connect, serve)
