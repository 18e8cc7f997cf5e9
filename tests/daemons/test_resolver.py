"""A resolver under a plan."""

import socket
import threading
import unittest

# First, since it says where harness is.
from condition import ConditionTest
import harness


class UnboundTest(ConditionTest):
    """A resolver takes a random UDP port for each question, and another one if that is refused."""

    QUESTIONS = 1000

    def setUp(self) -> None:
        super().setUp()
        self.config = self.write("unbound.conf", f"""
server:
  interface: 127.0.0.1@5053
  do-daemonize: no
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  do-not-query-localhost: no
  module-config: "iterator"
  directory: "{self.folder}"
  do-ip6: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.3
remote-control:
  control-enable: no
""")

    @staticmethod
    def question(number: int) -> bytes:
        name = b"".join(bytes([len(part)]) + part for part in (b"h%d" % number, b"example", b"net")) + b"\0"
        return (number % 65536).to_bytes(2, "big") + b"\x01\0\0\1\0\0\0\0\0\0" + name + b"\0\1\0\1"

    @staticmethod
    def serve_upstream(upstream: socket.socket) -> None:
        """A name server that gives every name the address 192.0.2.7; it ends with its socket."""
        while True:
            try:
                question, asker = upstream.recvfrom(2000)
            except OSError:
                return
            if not question:
                return
            end = question.index(b"\0", 12) + 5
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\xc0\0\2\7" if question[end - 4:end - 2] == b"\0\1" else b""
            counts = b"\0\1" + (b"\0\1" if answer else b"\0\0") + b"\0\0\0\0"
            upstream.sendto(question[:2] + b"\x81\x80" + counts + question[12:end] + answer, asker)

    def answers(self) -> int:
        answered = 0
        for number in range(self.QUESTIONS):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                # Not of the range that the resolver takes its own from: it would meet this one, now and then.
                client.bind(("127.0.0.1", 5060))
                client.settimeout(harness.DEADLINE)
                client.sendto(self.question(number), ("127.0.0.1", 5053))
                received = client.recv(2000)
            answered += received[3] & 15 == 0
        return answered

    def test_every_question_is_answered(self) -> None:
        def judge(process: harness.Process) -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
                upstream.bind(("127.0.0.3", 53))
                threading.Thread(target=self.serve_upstream, args=(upstream,), daemon=True).start()
                harness.wait_until(lambda: "start of service" in process.printed() or process.ended(), "unbound",
                                   process)
                self.assertEqual(self.answers(), self.QUESTIONS)
                # The thread's recvfrom would keep the socket alive beyond close().
                upstream.sendto(b"", ("127.0.0.3", 53))
            # The first may be a server's only one.
            lines = process.guard_lines()
            self.assertLessEqual(len(lines), 1, lines)
            self.assertTrue(all("reported for one UDP port per process" in line for line in lines), lines)

        plan = ["--listen=5053-5055", "--ephemeral=32768-60999"]
        self.start_twice(["/usr/sbin/unbound", "-d", "-c", self.config], plan, judge)


if __name__ == "__main__":
    unittest.main(verbosity=2)
