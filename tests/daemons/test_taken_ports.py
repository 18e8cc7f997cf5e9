"""What servers do about a port that another one has."""

import os
import pathlib
import signal
import socket
import subprocess
import unittest

# First, since it says where harness is.
from condition import PORT, ConditionTest
import harness


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
            harness.wait_until(lambda: "Bootstrapped 0%" in process.printed() or process.ended(), "tor", process)
            with socket.create_server(("127.0.0.1", PORT + 1)):
                self.write("torrc", text + f"SocksPort 127.0.0.1:{PORT + 1}\n")
                if not process.ended():
                    os.kill(process.pid, signal.SIGHUP)
                harness.wait_until(process.ended, "the end of tor", process)
            # For the next, before it starts: what is being written is read as a file without a line.
            self.write("torrc", text)
            ends.append((process.process.returncode, process.printed()))

        # Its filter forbids a futex call that its threads make now and then: so ended 25 of 2,000 tors alone, and 11
        # of 700 under the guard, before they were told anything.
        for _ in range(5):
            ends.clear()
            self.start_twice(["/usr/bin/tor", "-f", config], [], judge)
            if "The futex facility" not in "".join(printed for _, printed in ends):
                break
        # And by a mutex that their exit had destroyed, 396 of 2,000 and 135 of 700: then it is SIGSEGV.
        for status, printed in ends:
            self.assertIn(status, (1, -signal.SIGSEGV), printed)
            self.assertIn("Restart failed (config error?). Exiting.", printed)
        guarded = ends[1]
        self.assertRegex(guarded[1], rf"portguard: .* bind tcp 127\.0\.0\.1:{PORT + 1}: in use \(EADDRINUSE\)")


if __name__ == "__main__":
    unittest.main(verbosity=2)
