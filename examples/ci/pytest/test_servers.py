"""A server that lives for the whole session, and a test that wants one of its own on the same port."""
import subprocess

import pytest

PORT = "18082"


def started():
    server = subprocess.Popen(
        ["python3", "-u", "-m", "http.server", PORT, "--bind", "127.0.0.1"], stdout=subprocess.PIPE, text=True
    )
    return server, server.stdout.readline()


@pytest.fixture(scope="session")
def page_server():
    server, _ = started()
    yield server
    server.kill()
    server.wait()


def test_page(page_server):
    assert page_server.poll() is None


def test_own_server():
    server, first_line = started()
    server.kill()
    server.wait()
    assert first_line.startswith("Serving")
