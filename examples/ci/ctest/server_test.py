"""A test that has a server of its own for a while."""
import os
import socket
import time

with socket.create_server(("127.0.0.1", 18081)):
    time.sleep(float(os.environ.get("TEST_SECONDS", "1")))
