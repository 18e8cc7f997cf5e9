"""What is said to a server, and whether it answered: each step is what is sent and what the answer must contain."""

import select
import socket
import ssl
import time

ADDRESS = ("127.0.0.1", 8000)
UDP_SECONDS = 0.2
UPSTREAM = ("127.0.0.1", 9000)
HTTP = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
PROXIED = b"GET http://127.0.0.1:9000/ HTTP/1.1\r\nHost: 127.0.0.1:9000\r\n\r\n"
# The address of "test.", which each zone of ours gives as 192.0.2.7.
DNS = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04test\x00\x00\x01\x00\x01"
DNS_ANSWER = b"\xc0\x00\x02\x07"
# SSLRequest: S or N.
POSTGRESQL = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
NAMED = {
    "http": [(HTTP, b"HTTP/1.")],
    "https": [(HTTP, b"HTTP/1.")],
    "proxied": [(PROXIED, b"HTTP/1.1 200")],
    "dns": [(len(DNS).to_bytes(2, "big") + DNS, DNS_ANSWER)],
    "postgresql": [(POSTGRESQL, b"N")],
}


class Unanswered(Exception):
    """Nothing came that was expected: a server that starts may still answer the next time."""


def steps_of(request: str | list) -> list[tuple[bytes, bytes]]:
    if isinstance(request, str):
        return NAMED[request]
    return [(sent.encode("latin-1"), answer.encode("latin-1")) for sent, answer in request]


def read_until(connection: socket.socket, expected: bytes, deadline: float) -> None:
    received = b""
    while expected not in received:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        piece = connection.recv(65536)
        if not piece:
            raise Unanswered(f"closed after {received!r}")
        received += piece


def converse_tcp(request: str | list, seconds: float) -> socket.socket:
    """Leaves the connection open, as the restart is to find it."""
    deadline = time.monotonic() + seconds
    connection = socket.create_connection(ADDRESS, timeout=seconds)
    try:
        if request == "https":
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            connection = context.wrap_socket(connection)
        for sent, answer in steps_of(request):
            connection.sendall(sent)
            read_until(connection, answer, deadline)
    except (OSError, Unanswered):
        connection.close()
        raise
    return connection


def converse_udp(steps: list[tuple[bytes, bytes]], seconds: float) -> None:
    """Not connected, as a TFTP server answers from a port of its own: that nobody listens is not heard either."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for sent, answer in steps:
            client.sendto(sent, ADDRESS)
            if not select.select([client], [], [], min(seconds, UDP_SECONDS))[0]:
                raise Unanswered("no datagram")
            received = client.recv(65536)
            if answer not in received:
                raise Unanswered(f"answered {received!r}")


def converse(server: dict, seconds: float) -> socket.socket | None:
    """The open connection, if there is one."""
    if server["request"] == "dns":
        converse_udp([(DNS, DNS_ANSWER)], seconds)
    if server["protocol"] == "udp":
        converse_udp(steps_of(server["request"]), seconds)
        return None
    return converse_tcp(server["request"], seconds)
