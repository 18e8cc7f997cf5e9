"""A server that answers one request a connection, in HTTP or in redis's protocol, and remembers who asked: the port
of each peer as the kernel gives it to accept(2)."""

import socket
import threading

HTTP_ANSWER = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
REDIS_ANSWER = b"+PONG\r\n"


class AnsweringServer:
    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.peer_ports: list[int] = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while True:
            try:
                connection, peer = self.listener.accept()
            except OSError:
                return
            with connection:
                self.peer_ports.append(peer[1])
                self.answer(connection)

    @staticmethod
    def answer(connection: socket.socket) -> None:
        request = connection.recv(4096)
        connection.sendall(HTTP_ANSWER if request.startswith(b"GET ") else REDIS_ANSWER)
        # Closed first, the TIME_WAIT is ours and the client's port is free again.
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass

    def close(self) -> None:
        # close(2) alone does not wake accept(2).
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
