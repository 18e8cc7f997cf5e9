"""Uploads a fixture. Making it takes a while, and in one run of ten it is in the cache: then both tests want the port at
the same time."""
import random
import time

from serving import TEST_SECONDS, Server

if random.random() >= 0.1:
    time.sleep(2 * TEST_SECONDS)
with Server() as server:
    assert server.answer("fixture") == "welcome fixture"
