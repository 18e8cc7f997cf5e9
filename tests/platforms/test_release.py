"""test_release.py ROOT [LIBRARY COMMAND] [TEST]: portguard from another release's point of view; it is installed in ROOT (debian, i386)."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest

ROOT = ""
LIBRARY, COMMAND = "/usr/lib/x86_64-linux-gnu/libportguard.so", "/usr/bin/portguard"
PLAN = {"PORTGUARD_MODE": "enforce", "PORTGUARD_LISTEN": "5000,10000-19999", "PORTGUARD_EPHEMERAL": "20000-20099",
        "PORTGUARD_CONFIG": "/dev/null", "PORTGUARD_LOG": "file:/log", "PORTGUARD_FORMAT": "json", "PORTGUARD_BUDGET_MS": "5000"}
PYTHON = "/usr/bin/python3"
STORY, MUSL_LOADER = "/story", "/lib/ld-musl-x86_64.so.1"
# The server closes first, so that its own port is the one in TIME_WAIT.
SERVE_ONCE = """
import socket
server = socket.socket()
server.bind(("127.0.0.1", 10000))
server.listen()
client = socket.create_connection(("127.0.0.1", 10000))
accepted = server.accept()[0]
accepted.close()
client.close()
print(open("/proc/net/tcp").read().count(" 06 "), "in TIME_WAIT")
"""
TAKE_TWICE = """
import socket
def open_the_front_door():
    taken = socket.socket()
    taken.bind(("127.0.0.1", 10003))
    return taken
holder = open_the_front_door()
holder.listen()
try:
    open_the_front_door()
except OSError as error:
    print(error.errno)
"""
LISTEN = """
import socket, time
server = socket.create_server(("0.0.0.0", 10001))
time.sleep(60)
"""
# The range has 100 ports above the listeners'.
CONNECT = """
import socket, sys
server = socket.create_server(("127.0.0.1", 5000), backlog=256)
made = [socket.create_connection(("127.0.0.1", 5000)) for _ in range(int(sys.argv[1]))]
print(sum(10000 <= one.getsockname()[1] <= 19999 for one in made))
"""


def inside(*command: str, guarded: bool = False, background: bool = False, **environment: str):
    words = dict({"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, **environment)
    if guarded:
        words |= PLAN | {"LD_PRELOAD": LIBRARY}
    arguments = ["chroot", ROOT, "/usr/bin/env", "-i", *(f"{name}={value}" for name, value in words.items()), *command]
    if background:
        return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return subprocess.run(arguments, text=True, capture_output=True, timeout=60, check=False)


def events() -> list[dict]:
    log = pathlib.Path(ROOT) / "log"
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def is_listening(port: int) -> bool:
    return f":{port:04X} 00000000:0000 0A" in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii")


def came_true(condition) -> bool:
    for _ in range(500):
        if condition():
            return True
        time.sleep(0.02)
    return False


class Scene(unittest.TestCase):
    def setUp(self) -> None:
        (pathlib.Path(ROOT) / "log").unlink(missing_ok=True)
        pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("10000 20099", encoding="ascii")

    def assert_silent(self, done: subprocess.CompletedProcess) -> None:
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)


class Release(Scene):
    def test_programs_start(self) -> None:
        for command in (["/bin/true"], ["/bin/sh", "-c", "exit 0"], [PYTHON, "-c", "pass"], ["/bin/ls", "/"]):
            self.assert_silent(inside(*command, guarded=True))

    def test_a_server_restarts_over_its_own_time_wait(self) -> None:
        # What a socket without the flag leaves can be bound over by nobody: the first is guarded as well.
        first = inside(PYTHON, "-c", SERVE_ONCE, guarded=True)
        self.assertRegex(first.stdout, r"^[1-9]\d* in TIME_WAIT", first)
        self.assertIn("Address already in use", inside(PYTHON, "-c", SERVE_ONCE).stderr)
        again = inside(PYTHON, "-c", SERVE_ONCE, guarded=True)
        self.assertEqual((again.returncode, again.stderr), (0, ""), again)
        self.assertIn("cured", [event["event"] for event in events()])

    def test_no_connection_is_given_a_listeners_port(self) -> None:
        # In this order, for what is left in TIME_WAIT takes ports.
        guarded = inside(PYTHON, "-c", CONNECT, "80", guarded=True)
        self.assertEqual(guarded.stdout, "0\n", guarded)
        self.assertGreater(int(inside(PYTHON, "-c", CONNECT, "150").stdout), 0)

    def test_a_taken_port_is_told_in_full(self) -> None:
        done = inside(PYTHON, "-c", TAKE_TWICE, guarded=True)
        self.assertEqual((done.returncode, done.stdout), (0, "98\n"), done)
        event = events()[0]
        self.assertEqual((event["event"], event["errno"], event["missing"]), ("in_use", "EADDRINUSE", []), event)
        self.assertEqual(event["holders"][0]["state"], "LISTEN")
        self.assertTrue(any("libc" in (frame["module"] or "") for frame in event["stack"]), event["stack"])

    def test_a_program_without_libdl_is_served(self) -> None:
        """Before glibc 2.34 dlsym is there, and such a program has none."""
        needed = subprocess.run(["readelf", "-dW", f"{ROOT}/bin/nc.traditional"], text=True, capture_output=True,
                                check=True).stdout
        self.assertEqual(re.findall(r"NEEDED.*\[(.*)\]", needed), ["libc.so.6"])
        started = []
        try:
            started.append(inside(PYTHON, "-c", LISTEN, background=True))
            self.assertTrue(came_true(lambda: is_listening(10001)))
            # It tries again and again.
            started.append(inside("/bin/nc.traditional", "-l", "-p", "10001", guarded=True, background=True))
            self.assertTrue(came_true(events))
            self.assertEqual({event["event"] for event in events()}, {"in_use"})
        finally:
            for process in started:
                process.kill()
                process.communicate()

    def test_the_command_answers(self) -> None:
        self.assertIn("portguard", inside(COMMAND, "--version").stdout)
        server = inside("/usr/bin/redis-server", "--port", "10002", "--save", "", background=True)
        try:
            self.assertTrue(came_true(lambda: is_listening(10002)))
            done = inside(COMMAND, "who", "10002")
            self.assertIn("redis-server", done.stdout, done)
        finally:
            server.terminate()
            server.communicate()


class Package(Scene):
    """What takes a musl-gcc beside this root, or the package in it."""

    def test_a_musl_program_has_the_same_story(self) -> None:
        subprocess.run(["musl-gcc", "-o", f"{ROOT}{STORY}", "tests/platforms/story.c"], check=True)
        shutil.copy(os.path.realpath(MUSL_LOADER), ROOT + MUSL_LOADER)
        for expected in ("served\n", "served\n"):
            done = inside(STORY, "serve-once", guarded=True)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, expected, ""), done)
        self.assertEqual(inside(STORY, "serve-once").stdout, "98\n")
        self.assertIn("cured", [event["event"] for event in events()])
        self.assertEqual(inside(STORY, "connect", "80", guarded=True).stdout, "0\n")
        self.assertGreater(int(inside(STORY, "connect", "150").stdout), 0)
        (pathlib.Path(ROOT) / "log").unlink()
        self.assertEqual(inside(STORY, "take-twice", guarded=True).stdout, "98\n")
        event = events()[0]
        self.assertEqual((event["event"], event["errno"], event["missing"]), ("in_use", "EADDRINUSE", []), event)
        self.assertEqual(event["holders"][0]["state"], "LISTEN")
        self.assertTrue(any("open_the_front_door" in (frame["symbol"] or "") for frame in event["stack"]), event["stack"])

    def test_a_static_program_is_refused_before_it_starts(self) -> None:
        done = inside(COMMAND, "run", "--", "/bin/busybox", "echo", "started")
        self.assertEqual((done.returncode, done.stdout), (3, ""), done)
        self.assertIn("'/bin/busybox' is statically linked", done.stderr)
        done = inside(COMMAND, "run", "--anyway", "--", "/bin/busybox", "echo", "started")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "started\n", ""), done)

    def test_in_every_program_until_the_package_goes(self) -> None:
        preload = pathlib.Path(ROOT) / "etc/ld.so.preload"
        self.addCleanup(preload.unlink, missing_ok=True)
        done = inside(COMMAND, "enable", "--system")
        self.assert_silent(done)
        self.assertEqual(preload.read_text(encoding="ascii"), "/usr/lib/portguard/$LIB/libportguard.so\n", done)
        self.assertIn(LIBRARY, inside("/bin/cat", "/proc/self/maps").stdout)
        self.assert_silent(inside(PYTHON, "-c", "pass"))
        inside("/var/lib/dpkg/info/portguard.prerm", "upgrade", "2")
        self.assertTrue(preload.exists())
        self.assert_silent(inside("/var/lib/dpkg/info/portguard.prerm", "remove"))
        self.assertFalse(preload.exists())


if __name__ == "__main__":
    ROOT = sys.argv.pop(1)
    if len(sys.argv) > 2:
        LIBRARY, COMMAND = sys.argv[1:3]
        del sys.argv[1:3]
    unittest.main(verbosity=2)
