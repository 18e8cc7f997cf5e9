"""Real servers under `portguard run`. PORTGUARD_TEST_SERVER names the one of servers.ALL to be tested,
PORTGUARD_TEST_FRONT_END what guards it (preload)."""

import os
import re
import socket
import unittest

import harness
import servers

PORT = 8000
PORT_OUTSIDE = 20000
CONNECTIONS = 10


class ServerTest(harness.AppTest):
    def setUp(self) -> None:
        super().setUp()
        self.server = servers.ALL[os.environ["PORTGUARD_TEST_SERVER"]]

    def launch(self, port: int, options: list[str] | None = None) -> harness.Process:
        options = harness.PLAN if options is None else options
        # What is found is tested, and not how soon: a virtual machine that starts keeps every core busy.
        options = options + ["--budget-ms=10000", "--front-end=" + os.environ.get("PORTGUARD_TEST_FRONT_END", "preload")]
        return self.start(harness.guarded(self.server.command(port, self.folder), options))

    def await_listener(self, process: harness.Process, port: int) -> None:
        harness.wait_until(lambda: harness.listeners(port) or process.ended(), f"a listener on {port}", process)
        self.assertTrue(harness.listeners(port), f"did not start:\n{process.printed()}")

    def connect_and_ask(self, port: int) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port), timeout=harness.DEADLINE)
        self.addCleanup(connection.close)
        connection.sendall(self.server.request)
        answer = connection.recv(65536)
        self.assertTrue(answer.startswith(self.server.answer), f"answered {answer!r}")
        return connection

    def kill_with_connections_open(self, process: harness.Process) -> None:
        """The server hangs up first, so that its port is the one left in TIME_WAIT."""
        clients = [self.connect_and_ask(PORT) for _ in range(CONNECTIONS)]
        process.kill()
        for client in clients:
            while client.recv(65536):
                pass
            client.close()
        harness.wait_until(lambda: harness.left_behind(PORT) == ["TIME_WAIT"] * CONNECTIONS,
                           f"{CONNECTIONS} TIME_WAIT sockets on {PORT}, there are {harness.left_behind(PORT)}")

    def test_serves_a_request_and_we_print_nothing(self) -> None:
        process = self.launch(PORT)
        self.await_listener(process, PORT)
        self.connect_and_ask(PORT)
        self.assertTrue(process.is_silent_about_us(), process.printed())

    def test_listener_has_reuseaddr(self) -> None:
        process = self.launch(PORT)
        self.await_listener(process, PORT)
        self.assertTrue(harness.listener_has_reuseaddr(process, PORT))

    def test_restarts_at_once_after_being_killed_with_connections_open(self) -> None:
        first = self.launch(PORT)
        self.await_listener(first, PORT)
        self.kill_with_connections_open(first)
        second = self.launch(PORT)
        self.await_listener(second, PORT)
        self.assertEqual(harness.left_behind(PORT), ["TIME_WAIT"] * CONNECTIONS, "the old sockets were not in the way")
        self.connect_and_ask(PORT)
        said = second.guard_lines()
        if self.server.sets_reuseaddr:
            self.assertTrue(second.is_silent_about_us(), second.printed())
        else:
            self.assertEqual(len(said), 1, said)
            self.assertIn(f"cured: was held by {CONNECTIONS} TIME_WAIT sockets", said[0])

    def test_is_refused_outside_listen(self) -> None:
        process = self.launch(PORT_OUTSIDE)
        harness.wait_until(process.ended, "the end of the refused server", process)
        self.assertRegex(
            (process.guard_lines() or [process.printed()])[0],
            rf"^portguard: [^ ]+\[\d+\]: listen (mp)?tcp \S*:{PORT_OUTSIDE}: refused \(EACCES\): outside listen=5000-14999$")
        self.assertNotEqual(process.process.returncode, 0)
        self.assertEqual(harness.listeners(PORT_OUTSIDE), [])

    def test_two_on_one_port_conflict_as_ever(self) -> None:
        first = self.launch(PORT)
        self.await_listener(first, PORT)
        second = self.launch(PORT)
        if self.server.sets_reuseport:
            harness.wait_until(lambda: len(harness.listeners(PORT)) > 1, "a second listener", second)
            return
        harness.wait_until(second.ended, "the end of the second server", second)
        self.assertNotEqual(second.process.returncode, 0)
        self.assertRegex(
            (second.guard_lines() or [second.printed()])[0],
            rf"^portguard: .* (mp)?tcp \S*:{PORT}: in use \(EADDRINUSE\): held by .*\[{first.pid}\] .* LISTEN")
        self.assertRegex(second.printed(), r"\n  stack    \S", "frames that a compiler made at run time are walked over")
        # Who shares the socket is named as well: workers, as a rule.
        self.assertRegex(second.printed(), rf"\n  now      kill {first.pid}( \d+)*\n")
        self.connect_and_ask(PORT)

    def test_over_a_listener_of_another_program_names_that(self) -> None:
        """Of a server with SO_REUSEPORT as well, since the other does not have it."""
        other = self.start(["/usr/bin/python3", str(servers.PROGRAMS / "plain_server.py"), "127.0.0.1", str(PORT)])
        self.await_listener(other, PORT)
        process = self.launch(PORT)
        harness.wait_until(process.ended, "the end of the second server", process)
        said = next((line for line in process.guard_lines() if "in use" in line), process.printed())
        self.assertRegex(said, rf"in use \(EADDRINUSE\): held by python3\[{other.pid}\] 127\.0\.0\.1:{PORT} LISTEN")
        self.assertEqual(len(harness.listeners(PORT)), 1)
        if self.server.go_package is not None:
            self.assertRegex(process.printed(), r"\n  stack    net\.(\(\*ListenConfig\)\.)?Listen at dial\.go:\d+\n +" +
                             re.escape(self.server.go_package))

    def test_without_us_reuseaddr_is_the_programs_own_choice(self) -> None:
        """The control: whether SO_REUSEADDR above was the program's own doing or ours."""
        process = self.start(self.server.command(PORT, self.folder))
        self.await_listener(process, PORT)
        self.assertEqual(harness.listener_has_reuseaddr(process, PORT), self.server.sets_reuseaddr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
