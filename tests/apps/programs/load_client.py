"""The Python client of the outgoing load. usage: load_client.py PORT COUNT tcp|udp; as load_client.cpp."""

import socket
import sys

port, count, protocol = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
succeeded = 0
for index in range(count):
    address = (f"127.0.1.{1 + index % 250}", port)
    try:
        if protocol == "tcp":
            with socket.create_connection(address) as connection:
                connection.sendall(b"x")
                while connection.recv(64):
                    pass
        else:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
                datagrams.sendto(b"x", address)
        succeeded += 1
    except OSError:
        pass
print(f"{succeeded} succeeded, {count - succeeded} failed")
