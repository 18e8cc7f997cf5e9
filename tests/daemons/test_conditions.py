"""What servers do under a plan that has no table entry."""

import os
import pathlib
import signal
import socket
import sys
import threading
import unittest

# First, since it says where harness is.
from condition import HERE, PORT, ConditionTest
import conversations
import harness


class HaproxyTest(ConditionTest):
    def test_shards_by_thread_has_a_listener_for_each_thread(self) -> None:
        """It binds a port-0 number a second time to see whether SO_REUSEPORT works, and gives up silently."""
        config = self.write("haproxy.cfg", "global\n  nbthread 4\ndefaults\n  mode tcp\n  timeout client 1s\n"
                            "  timeout server 1s\n  timeout connect 1s\nfrontend f\n"
                            f"  bind 127.0.0.1:{PORT} shards by-thread\n  default_backend b\n"
                            "backend b\n  server s 127.0.0.1:9\n")

        def judge(process: harness.Process) -> None:
            self.await_listener(process, PORT)
            self.assertEqual(len(harness.listeners(PORT)), 4, process.printed())
            self.assert_quiet(process)

        self.start_twice(["/usr/sbin/haproxy", "-db", "-f", config], harness.PLAN, judge)


class PortZeroTest(ConditionTest):
    def test_a_number_given_for_port_0_may_be_asked_for_again(self) -> None:
        """As haproxy 2.8 and later does at each start, before it shards."""
        def judge(process: harness.Process) -> None:
            process.process.wait(harness.DEADLINE)
            self.assertEqual(process.printed(), "shared\n")

        self.start_twice(["/usr/bin/python3", str(HERE / "shares_port_zero.py")], harness.PLAN, judge)


class NginxTest(ConditionTest):
    def test_proxy_bind_to_the_clients_address_and_port_answers(self) -> None:
        """A source port inside ephemeral is a client's own affair; only to listen there is forbidden."""
        config = self.write("nginx.conf", f"daemon off;\npid {self.folder}/pid;\nerror_log stderr;\nuser root;\n"
                            "events {}\n"
                            f"http {{\naccess_log off;\nserver {{ listen 127.0.0.1:{PORT}; location / {{\n"
                            "proxy_pass http://127.0.0.1:8001; proxy_bind 127.0.0.2:$remote_port; } }\n"
                            "server { listen 127.0.0.1:8001; return 200; }\n}\n")

        def judge(process: harness.Process) -> None:
            self.await_listener(process, PORT)
            for port in (40000, 40001, 40002):
                with socket.create_connection(("127.0.0.1", PORT), source_address=("127.0.0.1", port)) as client:
                    client.sendall(conversations.HTTP)
                    self.assertIn(b"200 OK", client.recv(4096), process.printed())
            self.assert_quiet(process)

        self.start_twice(["/usr/sbin/nginx", "-e", "stderr", "-c", config], harness.PLAN, judge)

    def test_a_daemon_whose_log_is_its_own_tells_the_journal_of_a_taken_port(self) -> None:
        """It re-points descriptor 2 to its error_log; the first place that is left is the system's log."""
        sockets = pathlib.Path(self.folder)
        text = (f"pid {sockets}/pid;\nerror_log {sockets}/error.log;\nevents {{}}\n"
                f"http {{\naccess_log off;\nserver {{ listen 127.0.0.1:{PORT}; return 200; }}\n%s}}\n")
        config = self.write("nginx.conf", text % "")
        journal = Journal()
        self.addCleanup(journal.close)
        process = self.start(harness.guarded(["/usr/sbin/nginx", "-e", f"{sockets}/error.log", "-c", config], []))
        self.addCleanup(self.end_daemon, sockets / "pid")
        self.await_listener(process, PORT)
        # An answer is a worker's: a SIGHUP before the first worker is left lying by nginx until the next signal.
        conversations.converse_tcp("http", harness.DEADLINE).close()
        with socket.create_server(("127.0.0.1", 8001)):
            self.write("nginx.conf", text % "server { listen 127.0.0.1:8001; return 200; }\n")
            os.kill(int((sockets / "pid").read_text()), signal.SIGHUP)
            harness.wait_until(lambda: "8001" in (sockets / "error.log").read_text(), "nginx's own error", process)
            harness.wait_until(lambda: journal.holds("8001"), "an event in the journal", process)
        self.assertIn("EADDRINUSE", journal.text())
        self.assertEqual(process.guard_lines(), [])

    @staticmethod
    def end_daemon(path: pathlib.Path) -> None:
        """In order, as the master takes its workers along; it removes the file last."""
        if path.exists():
            os.kill(int(path.read_text()), signal.SIGTERM)
            harness.wait_until(lambda: not path.exists(), "the end of nginx")


class Journal:
    """The socket of systemd-journald in a /run of our own; /dev/log, where nothing is bound, is not there."""

    PATH = pathlib.Path("/run/systemd/journal/socket")

    def __init__(self) -> None:
        self.PATH.parent.mkdir(parents=True, exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.PATH))
        self.datagrams: list[bytes] = []
        self.thread = threading.Thread(target=self.receive, daemon=True)
        self.thread.start()

    def receive(self) -> None:
        while True:
            try:
                datagram, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(4))
            except OSError:
                return
            for _, _, payload in ancillary:
                # A long entry is a memfd.
                with open(int.from_bytes(payload[:4], sys.byteorder), "rb") as file:
                    file.seek(0)
                    datagram += file.read()
            if not datagram:
                return
            self.datagrams.append(datagram)

    def text(self) -> str:
        return b"\n".join(self.datagrams).decode(errors="replace")

    def holds(self, text: str) -> bool:
        return text in self.text()

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.PATH.unlink()


class SshdTest(ConditionTest):
    def test_a_remote_forwarding_to_port_0_listens_on_both_families(self) -> None:
        """sshd asks for port 0 on [::1], and for the number that it was given on 127.0.0.1."""
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        for name in ("host", "user"):
            key = ["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.folder}/{name}"]
            self.start(key).process.wait(harness.DEADLINE)
        # sshd reads it as root, and trusts no folder that others may write to.
        config = self.write("sshd_config", f"ListenAddress 127.0.0.1:{PORT}\nHostKey {self.folder}/host\nPidFile none\n"
                            f"AuthorizedKeysFile {self.folder}/user.pub\nStrictModes no\nPermitRootLogin yes\nUsePAM no\n")
        client = ["/usr/bin/ssh", "-v", "-F", "none", "-N", "-i", f"{self.folder}/user", "-o", "StrictHostKeyChecking=no",
                  "-o", "UserKnownHostsFile=/dev/null", "-o", "ExitOnForwardFailure=yes",
                  "-p", str(PORT), "-R", "0:127.0.0.1:9", "root@127.0.0.1"]

        def judge(process: harness.Process) -> None:
            self.await_listener(process, PORT)
            forwarding = self.start(client)
            harness.wait_until(lambda: "Allocated port" in forwarding.printed() or forwarding.ended(), "a port",
                               forwarding)
            self.assertIn("Allocated port", forwarding.printed())
            port = int(forwarding.printed().partition("Allocated port ")[2].split()[0])
            self.assertEqual(len(harness.listeners(port)), 2, process.printed())
            forwarding.kill()
            self.assert_quiet(process)

        self.start_twice(["/usr/sbin/sshd", "-D", "-e", "-f", config], harness.PLAN, judge)


if __name__ == "__main__":
    unittest.main(verbosity=2)
