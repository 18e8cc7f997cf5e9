"""A refused bind in the sandboxes of Debian's units: the program ends as without us, and is told why.

The units of named, unbound, postgresql and mariadb in Debian 12 have none of the lines that are played here.
"""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "apps"))

import harness  # pylint: disable=wrong-import-position

PORT = 7000
PYTHON = "/usr/bin/python3"
SECONDS = 60
LIBRARY = pathlib.Path(os.environ["PORTGUARD_TEST_BUILD"], "lib/libportguard.so")
UNITS = sorted(path.stem for path in (HERE / "units").glob("*.service"))


def sandboxed(unit: str, program: list[str], guarded: bool) -> subprocess.CompletedProcess:
    environment = {"PATH": os.environ["PATH"]} | ({"WITH_FILTER_PRELOAD": str(LIBRARY)} if guarded else {})
    return subprocess.run([PYTHON, "-B", str(HERE / "with_filter.py"), unit, *program], env=environment, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)


def binds(unit: str, guarded: bool) -> subprocess.CompletedProcess:
    return sandboxed(unit, [PYTHON, "-S", str(HERE / "binds.py"), str(PORT)], guarded)


def guard_lines(done: subprocess.CompletedProcess) -> list[str]:
    return [line for line in done.stderr.splitlines() if line.startswith("portguard:")]


def leave_time_wait() -> None:
    """Of a socket with SO_REUSEADDR, which create_server sets: only that can be bound over."""
    with socket.create_server(("127.0.0.1", PORT)) as server:
        with socket.create_connection(("127.0.0.1", PORT)) as client:
            accepted, _ = server.accept()
            accepted.close()
            client.recv(1)
    assert harness.left_behind(PORT) == ["TIME_WAIT"]


class SandboxTest(unittest.TestCase):
    def setUp(self) -> None:
        harness.enter_new_network()

    def test_the_sandboxes_are_in_force(self) -> None:
        """Else the other tests would hold for nothing."""
        def ends(unit: str, code: str) -> int:
            return sandboxed(unit, [PYTHON, "-S", "-c", code], guarded=False).returncode

        setpriority = "import os; os.setpriority(os.PRIO_PROCESS, 0, 5)"
        netlink = "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)"
        self.assertEqual(ends("redis-server", setpriority), -signal.SIGSYS)
        self.assertEqual(ends("redis-server-eperm", setpriority), 1)
        self.assertEqual(ends("systemd-resolved", setpriority), 0)
        self.assertEqual(ends("redis-server", netlink), 1)
        self.assertEqual(ends("redis-server-with-netlink", netlink), 0)
        mount = "import ctypes; ctypes.CDLL(None).umount(b'/nowhere')"
        self.assertEqual(ends("chrony", mount), -signal.SIGSYS)
        self.assertEqual(ends("haproxy", "import ctypes; ctypes.CDLL(None).syscall(250)"), -signal.SIGSYS)

    def test_a_port_that_is_free_is_bound_and_nothing_is_said(self) -> None:
        for unit in UNITS:
            with self.subTest(unit):
                done = binds(unit, guarded=True)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "listens\n", ""))

    def test_over_a_listener_it_ends_as_without_us_and_is_told_why(self) -> None:
        with socket.create_server(("127.0.0.1", PORT)):
            for unit in UNITS:
                with self.subTest(unit):
                    without, guarded = binds(unit, guarded=False), binds(unit, guarded=True)
                    self.assertEqual((without.returncode, without.stdout), (1, "EADDRINUSE\n"), without.stderr)
                    self.assertEqual((guarded.returncode, guarded.stdout), (1, "EADDRINUSE\n"), guarded.stderr)
                    said = guard_lines(guarded)
                    self.assertEqual(len(said), 1, guarded.stderr)
                    self.assertRegex(said[0], rf"bind tcp 127\.0\.0\.1:{PORT}: in use \(EADDRINUSE\)")

    def test_over_time_wait_it_is_cured_or_the_reason_is_said(self) -> None:
        for unit in UNITS:
            with self.subTest(unit):
                harness.enter_new_network()
                leave_time_wait()
                self.assertEqual(binds(unit, guarded=False).returncode, 1)
                guarded = binds(unit, guarded=True)
                said = guard_lines(guarded)
                self.assertGreaterEqual(len(said), 1, f"{guarded.returncode} {guarded.stderr}")
                if guarded.returncode == 0:
                    self.assertIn("cured", said[0])
                else:
                    self.assertEqual((guarded.returncode, guarded.stdout), (1, "EADDRINUSE\n"), guarded.stderr)
                    self.assertIn("in use (EADDRINUSE)", said[0])

    def test_with_netlink_time_wait_is_cured(self) -> None:
        """What forbids neither netlink nor a call of the cure forbids no cure."""
        for unit in ("haproxy", "chrony", "systemd-resolved", "redis-server-with-netlink"):
            with self.subTest(unit):
                harness.enter_new_network()
                leave_time_wait()
                guarded = binds(unit, guarded=True)
                self.assertEqual((guarded.returncode, guarded.stdout), (0, "listens\n"), guarded.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
