"""What servers do under a plan that has no table entry: each condition once without the guard and once under it."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "apps"))
BUILD = pathlib.Path(os.environ["PORTGUARD_TEST_BUILD"])
os.environ["PORTGUARD_TEST_COMMAND"] = str(BUILD / "bin/portguard")

import conversations  # pylint: disable=wrong-import-position
import harness  # pylint: disable=wrong-import-position

PORT = 8000
LOUD = "(refused|in use|exhausted|not available)"


class ConditionTest(harness.AppTest):
    def start_twice(self, command: list[str], options: list[str], judge) -> None:
        """Without us, as the measure, and under the guard; each in a network of its own."""
        for how, options_of_how in (("without", None), ("guarded", options)):
            with self.subTest(how):
                harness.enter_new_network()
                process = self.start(command if options_of_how is None else harness.guarded(command, options_of_how))
                judge(process)
                process.kill()

    def write(self, name: str, text: str) -> str:
        path = pathlib.Path(self.folder, name)
        path.write_text(text)
        return str(path)

    def await_listener(self, process: harness.Process, port: int) -> None:
        harness.wait_until(lambda: harness.listeners(port) or process.ended(), f"a listener on {port}", process)

    def assert_quiet(self, process: harness.Process) -> None:
        """At most one line, and that no failure."""
        lines = process.guard_lines()
        self.assertLessEqual(len(lines), 1, lines)
        self.assertNotRegex("".join(lines), LOUD)


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


class TakenPortTest(ConditionTest):
    """A server whose port another one has ends as without us, and is told why."""

    def test_what_no_log_takes_is_recorded_once(self) -> None:
        """Standard error is a plain file that something else may be writing, and there is no journal."""
        record, error = pathlib.Path(self.folder, "record"), pathlib.Path(self.folder, "error")
        with socket.create_server(("127.0.0.1", PORT)), open(error, "wb") as output:
            command = harness.guarded(["/usr/bin/python3", "-m", "http.server", "-b", "127.0.0.1", str(PORT)],
                                      [f"--record=file:{record}"])
            status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=output,
                                    timeout=harness.DEADLINE, check=False).returncode
        self.assertEqual(status, 1)
        self.assertNotIn("portguard", error.read_text())
        self.assertEqual(record.read_text().count('"event":"in_use"'), 1, record.read_text())

    def assert_ends_as_without_us(self, command: list[str], port: int) -> None:
        statuses, printed = [], []
        for options in (None, []):
            harness.enter_new_network()
            with socket.create_server(("0.0.0.0", port)):
                process = self.start(command if options is None else harness.guarded(command, options))
                harness.wait_until(process.ended, "its end", process)
            statuses.append(process.process.returncode)
            printed.append(process.printed())
        self.assertEqual(statuses[0], statuses[1], printed)
        self.assertRegex(printed[1], rf"portguard: .* bind tcp \S*:{port}: in use \(EADDRINUSE\): held by python3")

    def test_xtigervnc_catches_its_own_exception(self) -> None:
        """Linked to libunwind; with its exception lost, it would go on and listen on nothing."""
        self.assert_ends_as_without_us(
            ["/usr/bin/Xtigervnc", ":7", "-rfbport", "7007", "-SecurityTypes", "None"], 7007)

    def test_tor_is_told_why_inside_its_sandbox(self) -> None:
        """The filter is loaded after the first listeners are there; what a SIGHUP asks for is bound under it, and a
        refusal then ends tor."""
        text = f"SocksPort 127.0.0.1:{PORT}\nDataDirectory {self.folder}/tor\nSandbox 1\nLog notice stderr\n"
        config = self.write("torrc", text)
        ends = []

        def judge(process: harness.Process) -> None:
            self.write("torrc", text)
            harness.wait_until(lambda: "Bootstrapped 0%" in process.printed() or process.ended(), "tor", process)
            with socket.create_server(("127.0.0.1", PORT + 1)):
                self.write("torrc", text + f"SocksPort 127.0.0.1:{PORT + 1}\n")
                os.kill(process.pid, signal.SIGHUP)
                harness.wait_until(process.ended, "the end of tor", process)
            ends.append((process.process.returncode, process.printed()))

        self.start_twice(["/usr/bin/tor", "-f", config], [], judge)
        without, guarded = ends
        self.assertEqual(guarded[0], without[0], guarded[1])
        self.assertRegex(guarded[1], rf"portguard: .* bind tcp 127\.0\.0\.1:{PORT + 1}: in use \(EADDRINUSE\)")


if __name__ == "__main__":
    unittest.main(verbosity=2)
