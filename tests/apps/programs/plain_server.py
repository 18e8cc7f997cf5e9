"""An echo server that does not set SO_REUSEADDR. usage: plain_server.py PORT"""

import socketserver
import sys


class Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line)


with socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Echo) as server:
    server.daemon_threads = True
    server.serve_forever()
