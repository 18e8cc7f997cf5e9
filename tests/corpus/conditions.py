#!/usr/bin/python3
"""The two sides of each recorded failure: who has the port, and who asks for it.

conditions.py NAME hold    holds, prints a line once it does, and ends with its input
conditions.py NAME ask     asks under the guard, which tells the event
conditions.py NAME set     settings of the network, before either
conditions.py              prints the names, and how each is asked: OPTIONS of `portguard run`
"""

import os
import socket
import struct
import sys
import time

PORT = 10000
CHOSEN = 40000
REUSEADDR = (socket.SOL_SOCKET, socket.SO_REUSEADDR)
REUSEPORT = (socket.SOL_SOCKET, socket.SO_REUSEPORT)
V6ONLY = (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
PORT_RANGE = (socket.SOL_IP, 51)
kept = []


def make(address, *flags, kind=socket.SOCK_STREAM):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, kind)
    kept.append(made)
    for flag in flags:
        made.setsockopt(*flag, 1)
    return made


def bound(address, port, *flags, kind=socket.SOCK_STREAM):
    made = make(address, *flags, kind=kind)
    made.bind((address, port))
    return made


def listening(address, port, *flags):
    made = bound(address, port, *flags)
    made.listen(16)
    return made


def dialled(address, server, port=CHOSEN):
    """A connection whose port the kernel has chosen, among one."""
    made = make(address)
    made.setsockopt(*PORT_RANGE, struct.pack("=HH", port, port))
    made.connect(server.getsockname()[:2])
    peer, _ = server.accept()
    kept.append(peer)
    return made, peer


def accepted(server, address=None):
    client = make(address or "127.0.0.1")
    client.connect((address or "127.0.0.1", server.getsockname()[1]))
    peer, _ = server.accept()
    kept.append(peer)
    return peer, client


def closed(first, second):
    """`first` is left in TIME_WAIT."""
    first.close()
    second.recv(1)
    second.close()


def fill(sender):
    """The peer's window closes: what is sent from now on waits."""
    sender.setblocking(False)
    try:
        while True:
            sender.send(bytes(65536))
            time.sleep(0.001)
    except BlockingIOError:
        pass


def ask(address, port=PORT, *flags, kind=socket.SOCK_STREAM):
    bound(address, port, *flags, kind=kind)


def gone_server(state, *flags):
    server = listening("127.0.0.1", PORT, *flags)
    peer, client = accepted(server)
    server.close()
    state(peer, client)


def inherited():
    if os.fork() != 0:
        os.wait()
        time.sleep(3600)
    os.setsid()
    listening("127.0.0.1", PORT)
    if os.fork() != 0:
        os._exit(0)


def other_user():
    os.setresuid(65534, 65534, 65534)
    listening("127.0.0.1", PORT, REUSEPORT)


def busy_server():
    server = listening("127.0.0.1", PORT)
    accepted(server)
    closed(*accepted(server))


def filled(port, count):
    server = listening("127.0.0.1", port)
    for _ in range(count):
        make("127.0.0.1").connect(("127.0.0.1", port))
    return server


def second_listen():
    mine = bound("127.0.0.1", PORT, REUSEADDR)
    other = os.fork()
    if other == 0:
        listening("127.0.0.1", PORT, REUSEADDR)
        time.sleep(3600)
    time.sleep(0.5)
    mine.listen(16)


def flickering():
    """Has the port for a moment, and not for the next: who finds it held finds nobody."""
    while True:
        made = socket.socket()
        try:
            made.bind(("127.0.0.1", PORT))
        except OSError:
            pass
        time.sleep(0.0005)
        made.close()
        time.sleep(0.004)


def until_vanished():
    for _ in range(2000):
        try:
            made = socket.socket()
            made.bind(("127.0.0.1", PORT))
        except OSError:
            time.sleep(0.003)
        made.close()


def connect_once(address, port):
    make(address).connect((address, port))


LO, LAN, LAN6 = "127.0.0.1", "10.1.2.3", "2001:db8::1"
DATAGRAM = {"kind": socket.SOCK_DGRAM}

# name: (who has it, who asks, options of the guard)
CASES = {
    "listener_same_program": (lambda: listening(LO, PORT), lambda: ask(LO), ""),
    "listener_other_program": (lambda: listening(LO, PORT), lambda: ask(LO), ""),
    "listener_on_a_lan_address": (lambda: listening(LAN, PORT), lambda: ask(LAN), ""),
    "listener_on_an_ipv6_address": (lambda: listening(LAN6, PORT, V6ONLY), lambda: ask(LAN6), ""),
    "busy_listener": (busy_server, lambda: ask(LO, PORT, REUSEADDR), ""),
    "inherited_listener": (inherited, lambda: ask(LO), ""),
    "wildcard_and_specific": (lambda: listening("0.0.0.0", PORT, REUSEADDR), lambda: ask(LAN, PORT, REUSEADDR), ""),
    "specific_and_wildcard": (lambda: listening(LAN, PORT), lambda: ask("0.0.0.0"), ""),
    "ipv6_wildcard": (lambda: listening("::", PORT), lambda: ask(LO), ""),
    "ipv6_wildcard_asks": (lambda: listening(LO, PORT), lambda: ask("::"), ""),
    "second_listen": (lambda: None, second_listen, ""),
    "reuseport_other_user": (other_user, lambda: ask(LO, PORT, REUSEPORT), ""),
    "self": (lambda: None, lambda: (listening(LO, PORT), ask(LO)), ""),
    "bound_only": (lambda: bound(LO, PORT), lambda: ask(LO, PORT, REUSEADDR), ""),
    "reserved_by_hold": (None, lambda: ask(LO), "--mode=observe"),
    "udp_holder": (lambda: bound(LO, PORT, **DATAGRAM), lambda: ask(LO, PORT, **DATAGRAM), ""),
    "outgoing_connection": (lambda: dialled(LO, listening(LO, 7000)), lambda: ask(LO, CHOSEN), ""),
    "outgoing_connection_in_the_range": (
        lambda: dialled(LO, listening(LO, 50000)), lambda: ask(LO, CHOSEN, REUSEADDR), ""),
    "outgoing_connection_ipv6": (lambda: dialled(LAN6, listening(LAN6, 443)), lambda: ask("::", CHOSEN), ""),
    "outgoing_connections_of_one_port": (
        lambda: (dialled(LO, listening(LO, 7000)), dialled(LO, listening(LO, 7001))), lambda: ask(LO, CHOSEN), ""),
    "outgoing_close_wait": (
        lambda: dialled(LAN, listening(LAN, 7000))[1].shutdown(socket.SHUT_WR), lambda: ask("0.0.0.0", CHOSEN), ""),
    "outgoing_time_wait": (lambda: closed(*dialled(LO, listening(LO, 7000))), lambda: ask(LO, CHOSEN), ""),
    "own_time_wait": (
        lambda: gone_server(closed), lambda: ask(LO, PORT, REUSEADDR), ""),
    "dying_server_close_wait": (
        lambda: gone_server(lambda peer, client: client.shutdown(socket.SHUT_WR)), lambda: ask(LO), ""),
    "dying_server_established": (lambda: gone_server(lambda peer, client: None), lambda: ask(LO), ""),
    "orphaned_fin_wait1": (
        lambda: gone_server(lambda peer, client: (fill(peer), peer.close())), lambda: ask("0.0.0.0"), ""),
    "orphaned_fin_wait2": (lambda: gone_server(lambda peer, client: peer.close()), lambda: ask(LO), ""),
    "orphaned_last_ack": (
        lambda: gone_server(lambda peer, client: (fill(peer), client.shutdown(socket.SHUT_WR), peer.close())),
        lambda: ask(LO), ""),
    "vanished": (flickering, until_vanished, ""),
    "unknown": (lambda: listening(LO, PORT), lambda: ask(LO), "--diagnosis=stack"),
    "outside_plan": (lambda: None, lambda: ask(LO, 20000), "--listen=5000-14999"),
    "ephemeral_range": (lambda: None, lambda: listening(LO, CHOSEN), "--level=info"),
    "no_port_left_for_connect": (lambda: filled(7000, 8), lambda: connect_once(LO, 7000), ""),
    "no_port_left_for_bind": (
        lambda: [bound(LO, port) for port in range(50000, 50008)], lambda: ask(LO, 0), ""),
    "no_such_address": (lambda: None, lambda: ask("10.9.9.9"), ""),
    "privileged_port": (lambda: None, lambda: (os.setresuid(65534, 65534, 65534), ask(LO, 80)), ""),
    "cured_time_wait": (
        lambda: gone_server(closed, REUSEADDR), lambda: ask(LO), "--level=info"),
    "cured_outgoing_connection": (
        lambda: dialled(LO, listening(LO, 7000))[0].setsockopt(*REUSEADDR, 1), lambda: ask(LO, CHOSEN), "--level=info"),
}


def settings(name):
    if name.startswith("no_port_left"):
        with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as file:
            file.write("50000 50007")


def main():
    if len(sys.argv) == 1:
        for name, (holder, _, options) in CASES.items():
            print(name, "tool" if holder is None else "script", options)
        return
    name, role = sys.argv[1:]
    holder, asker, _ = CASES[name]
    if role == "set":
        settings(name)
    elif role == "ask":
        try:
            asker()
        except OSError as error:
            print(error)
    else:
        ready = os.dup(1)
        if name == "vanished":
            os.write(ready, b"ready\n")
        holder()
        os.write(ready, b"ready\n")
        sys.stdin.read()


main()
