"""A server's bind of 127.0.0.1:PORT: says what came of it, and ends with 0, or 1 for a refusal."""

import errno
import socket
import sys

server = socket.socket()
try:
    server.bind(("127.0.0.1", int(sys.argv[1])))
    server.listen()
except OSError as error:
    print(errno.errorcode[error.errno], flush=True)
    sys.exit(1)
print("listens", flush=True)
