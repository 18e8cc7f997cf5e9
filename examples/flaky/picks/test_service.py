"""A service for one test, on a port that was free a moment ago."""
import pathlib
import socket
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent


def picked_port():
    """As portpicker and get-port do: bind to port 0, read the number, close."""
    with socket.socket() as picked:
        picked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        picked.bind(("127.0.0.1", 0))
        return picked.getsockname()[1]


def endpoints_of_a_tenth():
    low, high = map(int, pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    # The kernel gives a socket with SO_REUSEADDR a port of one quarter of its range first.
    return (high - low + 1) // 40


@pytest.fixture
def port():
    return picked_port()


@pytest.fixture
def cluster():
    """What another test starts meanwhile: endpoints on ports of the kernel's choice."""
    endpoints = [socket.create_server(("127.0.0.1", 0)) for _ in range(endpoints_of_a_tenth())]
    yield endpoints
    for endpoint in endpoints:
        endpoint.close()


def test_service_answers(port, cluster):
    service = subprocess.Popen([sys.executable, HERE / "service.py", str(port)], stdout=subprocess.PIPE, text=True)
    try:
        assert service.stdout.readline() == "ready\n"
        with socket.create_connection(("127.0.0.1", port)) as connection:
            assert connection.recv(100) == b"hello"
    finally:
        service.kill()
        service.communicate()
