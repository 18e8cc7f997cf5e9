#!/usr/bin/python3 -B
"""`portguard run --front-end=both`: the library in the programs that a loader starts, the supervisor beside all of them.
usage: as in supervising.py, with MIXED_CALLS and OTHER_LIBRARY behind RAW_CALLS"""

import errno
import os
import re
import subprocess
import sys

MIXED, OTHER_LIBRARY = sys.argv[4:6]
del sys.argv[4:6]

import supervising  # noqa: E402
from supervising import (COMMAND, HELD, PLAN, RAW, SERVER, Supervised, leave_time_wait, listening,  # noqa: E402
                         run_tests)

PYTHON = "/usr/bin/python3"
# Between the two of them the supervisor and its standby answer nothing.
STOPPED = HELD + f"""
import os, pathlib, signal
def to_supervisors(number):
    command = os.stat({COMMAND!r})
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.path.samestat(os.stat(entry / "exe"), command) and \\
                    os.readlink(entry / "ns/net") == os.readlink("/proc/self/ns/net"):
                os.kill(int(entry.name), number)
        except OSError:
            pass
to_supervisors(signal.SIGSTOP)
try:
    %s
finally:
    to_supervisors(signal.SIGCONT)
"""


def run(*words: str, options=(), **keywords) -> subprocess.CompletedProcess:
    return supervising.run(*words, options=options, front_end="both", **keywords)


def reports(text: str) -> list[str]:
    """The first line of each report, without the pid."""
    return [re.sub(r"\[\d+\]", "", line) for line in re.findall(r"^portguard: (\S+\[\d+\]: .*)", text, re.MULTILINE)]


class ACallThatTheLibraryHasJudged(Supervised):
    def without_supervisors(self, *calls: str, options=PLAN, **keywords) -> subprocess.CompletedProcess:
        return run(PYTHON, "-c", STOPPED % "; ".join(calls), options=options, **keywords)

    def test_does_not_wait_for_the_supervisor(self) -> None:
        done = self.without_supervisors("print(attempt(5000), attempt(7000), attempt(40000))")
        self.assertEqual(done.stdout, f"ok {errno.EACCES} {errno.EACCES}\n", done.stderr)

    def test_is_judged_and_reported_once_where_it_fails(self) -> None:
        with listening(5001):
            done = self.without_supervisors("print(attempt(5001))")
        self.assertEqual(done.stdout, f"{errno.EADDRINUSE}\n")
        self.assertEqual(reports(done.stderr), ["python3: bind tcp 127.0.0.1:5001: in use (EADDRINUSE): held by python3 "
                                                "127.0.0.1:5001 LISTEN"])

    def test_is_cured_by_the_library(self) -> None:
        leave_time_wait(5002)
        done = self.without_supervisors("print(attempt(5002))")
        self.assertEqual(done.stdout, "ok\n", done.stderr)
        self.assertEqual(reports(done.stderr), ["python3: bind tcp 127.0.0.1:5002: cured: was held by 1 TIME_WAIT socket"])

    def test_may_be_one_of_any_family(self) -> None:
        done = self.without_supervisors(
            "made = socket.socket(socket.AF_UNIX)", "made.bind('\\0portguard-both')", "made.listen()",
            "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).bind(('::1', 0))", "print('ok')")
        self.assertEqual(done.stdout, "ok\n", done.stderr)

    def test_keeps_its_range_and_its_lease(self) -> None:
        """The kernel's own range is in `listen`: each socket needs one of its own."""
        done = self.without_supervisors(
            "server = socket.create_server(('127.0.0.1', 0))", "client = socket.create_connection(server.getsockname())",
            "picked = socket.socket()", "picked.bind(('127.0.0.1', 0))", "port = picked.getsockname()[1]", "picked.close()",
            "print(client.getsockname()[1] >= 45001, attempt(port))",
            options=["--listen=5000-45000", "--ephemeral=45001-60000", "--lease=on"])
        self.assertEqual(done.stdout, "True ok\n", done.stderr)
        self.assertNotIn("lease", done.stderr)

    def test_may_be_made_by_a_library_behind_ours(self) -> None:
        """Which has no mark to give: it lies on the stack, where the supervisor finds it."""
        leave_time_wait(5003)
        script = HELD + "made = socket.socket()\nmade.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)\n" \
                        "try: made.bind(('127.0.0.1', 5003))\nexcept OSError as error: print(error.errno, flush=True)\n" \
                        "print(attempt(5000), attempt(7000), attempt(7001))"
        done = run(PYTHON, "-c", script, options=PLAN, env={**os.environ, "LD_PRELOAD": OTHER_LIBRARY})
        # By its own choice not cured; and what is refused, its bind does not see.
        self.assertEqual(done.stdout, f"other bind\n{errno.EADDRINUSE}\nother bind\nok {errno.EACCES} {errno.EACCES}\n",
                         done.stderr)
        self.assertEqual(len(reports(done.stderr)), 3, done.stderr)

    def test_leaves_no_mark_for_the_next_that_passes_libc_by(self) -> None:
        done = run(MIXED, options=PLAN)
        self.assertEqual(done.returncode, errno.EACCES, done.stderr)
        self.assertEqual(reports(done.stderr), ["mixed_calls: bind tcp 127.0.0.1:7000: refused (EACCES): "
                                                "outside listen=5000-5999"])


class WhatPassesTheLibrary(Supervised):
    def test_is_answered_by_the_supervisor(self) -> None:
        script = f"{SERVER} 5000 7000; env -i {SERVER} 7001; env -i {PYTHON} -c 'import socket\n" \
                 "try: socket.socket().bind((\"127.0.0.1\", 7002))\nexcept OSError as error: print(error.errno)'"
        done = run("sh", "-c", script, options=PLAN)
        self.assertEqual(done.stdout, f"5000 ok\n7000 EACCES\n7001 EACCES\n{errno.EACCES}\n", done.stderr)
        self.assertEqual(len(reports(done.stderr)), 3, done.stderr)

    def test_may_be_the_program_itself(self) -> None:
        self.assertEqual(run(SERVER, "5000", "7000", options=PLAN).stdout, "5000 ok\n7000 EACCES\n")
        for way in ("native", "i386", "socketcall"):
            with self.subTest(way):
                if subprocess.run([RAW, way, "7000"]).returncode != 0:
                    self.skipTest("the kernel has no 32-bit calls")
                self.assertEqual(run(RAW, way, "7000", options=PLAN).returncode, errno.EACCES)

    def test_may_be_a_call_of_a_program_that_the_library_is_in(self) -> None:
        script = HELD + """
import ctypes, struct
made = socket.socket()
address = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", 7000, socket.inet_aton("127.0.0.1"))
libc = ctypes.CDLL(None, use_errno=True)
print(attempt(5000), libc.syscall(49, made.fileno(), address, len(address)), ctypes.get_errno())
"""
        done = run(PYTHON, "-c", script, options=PLAN)
        self.assertEqual(done.stdout, f"ok -1 {errno.EACCES}\n", done.stderr)

    def test_is_kept_in_its_range(self) -> None:
        with listening(5003) as server:
            server.listen(1000)
            done = run("sh", "-c", f"exec {SERVER} {'connect=5003 ' * 200}",
                       options=["--listen=5000-45000", "--ephemeral=45001-60000"])
        ports = [int(line.split()[1]) for line in done.stdout.splitlines()]
        self.assertEqual(len(ports), 200, done.stderr)
        self.assertTrue(all(45001 <= port <= 60000 for port in ports), sorted(ports)[:3])

    def test_is_cured(self) -> None:
        leave_time_wait(5004)
        self.assertEqual(run("sh", "-c", f"{SERVER} 5004", options=PLAN).stdout, "5004 ok\n")


IO_URING = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
made = libc.syscall(425, 1, (ctypes.c_char * 120)())
print("made" if made >= 0 else ctypes.get_errno(), flush=True)
"""


class IoUring(Supervised):
    def setUp(self) -> None:
        super().setUp()
        if subprocess.run([PYTHON, "-c", IO_URING], capture_output=True, text=True).stdout != "made\n":
            self.skipTest("the kernel has no io_uring, or forbids it")

    def test_is_logged_once_a_tree(self) -> None:
        for front_end in ("supervisor", "both"):
            done = supervising.run("sh", "-c", f"{PYTHON} -c '{IO_URING}'; {PYTHON} -c '{IO_URING}'", front_end=front_end)
            self.assertEqual(done.stdout, "made\nmade\n")
            self.assertEqual(reports(done.stderr), ["python3: uses io_uring, by which bind, listen and connect pass the guard; "
                                                    "--no-io-uring forbids it"])

    def test_is_left_out_of_a_log_of_errors_and_of_json(self) -> None:
        for option in ("--level=warn", "--format=json"):
            done = run(PYTHON, "-c", IO_URING, options=[option])
            self.assertEqual((done.stdout, done.stderr), ("made\n", ""))

    def test_may_be_forbidden(self) -> None:
        done = run(PYTHON, "-c", IO_URING, options=["--no-io-uring"])
        self.assertEqual((done.stdout, done.stderr), (f"{errno.ENOSYS}\n", ""))
        done = supervising.run("true", options=["--no-io-uring"], front_end="preload")
        self.assertEqual(done.returncode, 2)
        self.assertIn("add --front-end=both", done.stderr)


class TheProgram(Supervised):
    def test_is_let_be_where_its_own_environment_says_so(self) -> None:
        script = HELD + "print(attempt(7000))"
        done = run("env", "PORTGUARD_MODE=off", PYTHON, "-c", script, options=PLAN)
        self.assertEqual((done.stdout, done.stderr), ("ok\n", ""))
        done = run("env", "PORTGUARD_MODE=off", PYTHON, "-c", script, options=PLAN, env={**os.environ, "LD_PRELOAD": OTHER_LIBRARY})
        self.assertEqual((done.stdout, done.stderr), ("other bind\nok\n", ""))
        done = run(PYTHON, "-c", script, options=[*PLAN, "--only=nginx"])
        self.assertEqual((done.stdout, done.stderr), ("ok\n", ""))
        self.assertEqual(run(SERVER, "7000", options=[*PLAN, "--only=nginx"]).stdout, "7000 ok\n")
        self.assertEqual(run(SERVER, "7000", options=[*PLAN, "--only=portguard_supervised_server"]).stdout, "7000 EACCES\n")

    def test_is_guarded_from_outside_where_its_library_cannot_read_the_plan(self) -> None:
        done = run("env", "PORTGUARD_LISTEN=x", PYTHON, "-c", HELD + "print(attempt(7000))", options=PLAN)
        self.assertEqual(done.stdout, f"{errno.EACCES}\n", done.stderr)

    def test_may_be_our_own_command_which_binds_to_probe(self) -> None:
        alone = subprocess.run([COMMAND, "hold", "7000-7009", "--", "true"], capture_output=True, text=True)
        done = run(COMMAND, "hold", "7000-7009", "--", "true", options=PLAN)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, alone.stdout, alone.stderr))

    def test_has_the_library_and_the_pid_of_run(self) -> None:
        process = subprocess.Popen(supervising.supervised("sh", "-c", "echo $$; cat /proc/$$/maps", front_end="both"),
                                   stdout=subprocess.PIPE, text=True)
        printed = process.communicate()[0]
        self.assertEqual(int(printed.split()[0]), process.pid)
        self.assertIn("libportguard.so", printed)


if __name__ == "__main__":
    run_tests()
