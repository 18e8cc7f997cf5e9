"""Three clients of the server on PORT that hang up once it has: the TIME_WAIT is then the server's to bear.

usage: hang_up.py PORT
"""

import socket
import sys

connections = [socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20) for _ in range(3)]
for connection in connections:
    # An answer says that the server has accepted: what is still in the backlog is reset when it is killed.
    connection.sendall(b"hello\n")
    connection.recv(16)
print("connected", flush=True)
for connection in connections:
    connection.recv(16)
    connection.close()
