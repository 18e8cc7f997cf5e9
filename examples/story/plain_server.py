"""A server as many are written: it does not set SO_REUSEADDR, and so trips over its own TIME_WAIT.

usage: plain_server.py PORT
"""

import socketserver
import sys


class Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line)


# socketserver leaves the option off unless allow_reuse_address is set.
with socketserver.ThreadingTCPServer(("0.0.0.0", int(sys.argv[1])), Echo) as server:
    server.daemon_threads = True
    server.serve_forever()
