"""service.py PORT: says hello to one client."""
import socket
import sys

with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    print("ready", flush=True)
    with server.accept()[0] as connection:
        connection.sendall(b"hello")
        connection.recv(1)
