"""The clients: how each is told to open a connection of its own for every one of COUNT requests to PORT."""

import pathlib

PROGRAMS = pathlib.Path(__file__).parent / "programs"


def curl(port: int, count: int) -> list[str]:
    return ["/usr/bin/curl", "--silent", "--fail", "--no-keepalive", "--output", "/dev/null",
            "--header", "Connection: close", f"http://127.0.0.1:{port}/[1-{count}]"]


def python(port: int, count: int) -> list[str]:
    return ["/usr/bin/python3", str(PROGRAMS / "client.py"), str(port), str(count)]


def node(port: int, count: int) -> list[str]:
    return ["/usr/bin/node", str(PROGRAMS / "client.js"), str(port), str(count)]


def java(port: int, count: int) -> list[str]:
    return ["/usr/bin/java", str(PROGRAMS / "Client.java"), str(port), str(count)]


def redis_cli(port: int, count: int) -> list[str]:
    """One process a connection: the shell between shows that the guard is handed on."""
    return ["/bin/sh", "-c", f"for i in $(seq {count}); do /usr/bin/redis-cli -p {port} PING || exit; done"]


ALL = {"curl": curl, "python": python, "node": node, "java": java, "redis_cli": redis_cli}
