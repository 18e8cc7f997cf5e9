#!/usr/bin/python3
"""scene.py COMMAND...: runs COMMAND in a network namespace of its own, beside servers and clients that use ports in
every way that `portguard map` draws. Needs root, or user namespaces."""
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys

REUSE = (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
PROGRAMS = []


def new_network():
    if os.geteuid() != 0:
        os.execvp("unshare", ["unshare", "--map-root-user", sys.executable, *sys.argv])
    clone_newnet = 0x40000000
    if ctypes.CDLL(None, use_errno=True).unshare(clone_newnet) != 0:
        sys.exit("scene.py: no network namespace: " + os.strerror(ctypes.get_errno()))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def setting(name, value):
    with open("/proc/sys/net/ipv4/" + name, "w", encoding="ascii") as file:
        file.write(value)


def program(name, play):
    """A process of this name, which does `play` and then sits still until the end."""
    ready_out, ready_in = os.pipe()
    pid = os.fork()
    if pid == 0:
        with open("/proc/self/comm", "w", encoding="ascii") as file:
            file.write(name)
        kept = play()
        os.write(ready_in, b"x")
        signal.pause()
        del kept
    PROGRAMS.append(pid)
    os.close(ready_in)
    if os.read(ready_out, 1) != b"x":
        sys.exit(f"scene.py: {name} did not start")
    os.close(ready_out)


def listening(*ports, host="0.0.0.0"):
    servers = []
    for port in ports:
        server = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        server.setsockopt(*REUSE)
        server.bind((host, port))
        server.listen(1000)
        servers.append(server)
    return servers


def datagrams(*ports):
    sockets = []
    for port in ports:
        sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sockets[-1].bind(("0.0.0.0", port))
    return sockets


def bound(*ports):
    sockets = []
    for port in ports:
        sockets.append(socket.socket())
        sockets[-1].bind(("0.0.0.0", port))
    return sockets


def connecting(port, count, first=None):
    """`count` connections to `port`; from `first` on, or from where the kernel likes."""
    sockets = []
    for number in range(count):
        client = socket.socket()
        if first is not None:
            client.bind(("127.0.0.1", first + number))
        client.connect(("127.0.0.1", port))
        sockets.append(client)
    return sockets


def hung_up(port, count):
    """Connections whose client closed first: their ports are in TIME_WAIT."""
    with socket.create_server(("127.0.0.1", port), backlog=count) as server:
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", port))
            served = server.accept()[0]
            client.close()
            served.close()


def main():
    new_network()
    setting("ip_local_port_range", "15000 65000")
    setting("ip_local_reserved_ports", "30000-32767")
    program("sshd", lambda: listening(22))
    program("nginx", lambda: listening(80, 443) + listening(8080, host="::"))
    program("postgres", lambda: listening(5432))
    program("redis-server", lambda: listening(6379, 16379))
    program("java", lambda: listening(9000, 9001, 9002, 9003))
    program("kube-proxy", lambda: listening(30080, 31443))
    program("legacy", lambda: listening(41000))
    program("dnsmasq", lambda: datagrams(53, 67))
    program("resolver", lambda: datagrams(*random.Random(7).sample(range(33000, 61000), 8)))
    program("starting", lambda: bound(12000))
    program("api", lambda: connecting(5432, 120) + connecting(6379, 200))
    program("crawler", lambda: connecting(8080, 170, first=20000))
    program("backup", lambda: connecting(443, 3, first=10000))
    hung_up(7000, 200)
    sys.exit(subprocess.run(sys.argv[1:], check=False).returncode)


if __name__ == "__main__":
    try:
        main()
    finally:
        for pid in PROGRAMS:
            os.kill(pid, signal.SIGTERM)
