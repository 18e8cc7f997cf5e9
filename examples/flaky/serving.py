"""A server for one test, on the port that everybody uses."""
import os
import socket
import threading
import time

PORT = int(os.environ.get("TEST_PORT", "18080"))
TEST_SECONDS = float(os.environ.get("TEST_SECONDS", "0.25"))


class Server:
    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", PORT))
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        time.sleep(TEST_SECONDS)
        self._listener.close()

    def answer(self, name):
        with socket.create_connection(("127.0.0.1", PORT)) as connection:
            connection.sendall(name.encode())
            return connection.recv(100).decode()

    def _serve(self):
        connection, _ = self._listener.accept()
        with connection:
            connection.sendall(b"welcome " + connection.recv(100))
