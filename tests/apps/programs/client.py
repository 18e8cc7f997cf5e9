"""Sends COUNT requests to PORT, a connection each. usage: client.py PORT COUNT"""

import sys
import urllib.request

port, count = int(sys.argv[1]), int(sys.argv[2])
for _ in range(count):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as response:
        response.read()
