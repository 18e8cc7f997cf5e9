"""Logs in to a server of its own: the port is taken for as long as the test runs."""
from serving import Server

with Server() as server:
    assert server.answer("alice") == "welcome alice"
