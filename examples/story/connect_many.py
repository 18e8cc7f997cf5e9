"""B: opens COUNT connections to a redis on PORT, prints their local ports, then asks redis to echo what it reads.

usage: connect_many.py COUNT PORT
Each line read is "LOCAL_PORT TEXT"; the answer that came back over that connection is printed.
"""

import socket
import sys


def main() -> None:
    count, port = int(sys.argv[1]), int(sys.argv[2])
    connections = {}
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connections[connection.getsockname()[1]] = connection
    print(*sorted(connections), flush=True)
    for line in sys.stdin:
        local_port, text = line.split()
        connection = connections[int(local_port)]
        connection.sendall(f"ECHO {text}\r\n".encode())
        # redis answers "$<length>\r\n<text>\r\n".
        answer = connection.makefile("rb")
        answer.readline()
        print(answer.readline().decode().strip(), flush=True)


main()
