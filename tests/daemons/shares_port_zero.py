"""Two listeners with SO_REUSEPORT on the number that the first was given for port 0."""

import socket

first, second = socket.socket(), socket.socket()
for one in (first, second):
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
first.bind(("127.0.0.1", 0))
try:
    second.bind(first.getsockname())
    first.listen()
    second.listen()
    print("shared")
except OSError as error:
    print(error)
