#!/usr/bin/python3 -B
"""`portguard ci`, with the library in the programs and the supervisor beside them. usage: as in supervise/supervising.py"""

import ctypes
import errno
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "supervise"))

from supervising import (COMMAND, DEADLINE, HELD, NOBODY, SERVER, Supervised, copies_for_all, listening,  # noqa: E402
                         run_tests)

PYTHON = "/usr/bin/python3"
BESIDE = "a supervisor was beside every program"
IO_URING = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
made = libc.syscall(425, 1, (ctypes.c_char * 120)())
print("made" if made >= 0 else ctypes.get_errno())
"""


def ci(*words: str, options=(), command=COMMAND, **keywords) -> subprocess.CompletedProcess:
    return subprocess.run([command, "ci", *options, "--", *words], capture_output=True, text=True, timeout=DEADLINE, **keywords)


def answer_of(*words: str, options=()) -> dict:
    done = ci(*words, options=["--json", "--budget-ms=10000", *options])
    return json.loads(done.stdout)


def has_io_uring() -> bool:
    return ctypes.CDLL(None).syscall(425, 1, (ctypes.c_char * 120)()) >= 0


class CiAsRoot(Supervised):
    def test_reports_each_failure_once_whoever_saw_it(self) -> None:
        script = HELD + f"""
import subprocess
server = socket.create_server(("127.0.0.1", 5001))
attempt(5001)
subprocess.run([{SERVER!r}, "5001"])
subprocess.run([{PYTHON!r}, "-c", "import socket; socket.socket().bind(('127.0.0.1', 5001))"], env={{}}, stderr=subprocess.DEVNULL)
"""
        answer = answer_of(PYTHON, "-c", script)
        fights = [fight for failure in answer["failures"] for fight in failure["fights"]]
        askers = sorted(re.sub(r"\[\d+\]", "", fight["asked"]["processes"].split(" > ")[-1]) for fight in fights)
        self.assertEqual(askers, ["portguard_supervised_server", "python3", "python3"])
        self.assertEqual(answer["events"], 3, fights)

    def test_shows_where_a_port_was_taken_also_to_a_program_that_the_library_is_not_in(self) -> None:
        script = f"import socket, subprocess\nserver = socket.create_server(('127.0.0.1', 5002))\nsubprocess.run([{SERVER!r}, '5002'])"
        done = ci(PYTHON, "-c", script, options=["--budget-ms=10000"])
        self.assertRegex(done.stderr, r"(?s)#1 portguard_super.*\n  taken    bind in python3\[")

    def test_has_a_receipt_of_both(self) -> None:
        done = ci("sh", "-c", f"{SERVER} wait <&- ; env -i /bin/sleep 0.5; /bin/sleep 0.5", stdin=subprocess.DEVNULL)
        self.assertIn(f"portguard: {BESIDE}, and the library in ", done.stderr)
        self.assertIn("sleep' was started with an environment without LD_PRELOAD\n", done.stderr)
        self.assertNotIn("passed", done.stderr)

    def test_changes_nothing_that_a_build_could_notice(self) -> None:
        questions = "grep -E '^(Sig[PBIC]|Shd|Cap|NoNewPrivs|Uid|Threads)' /proc/self/status; ls /proc/self/fd; umask; pwd"
        alone = ci("sh", "-c", questions, options=["--front-end=preload"]).stdout
        self.assertIn("NoNewPrivs", alone)
        self.assertEqual(ci("sh", "-c", questions).stdout, alone)

    def test_counts_rings_of_io_uring_or_forbids_them(self) -> None:
        if not has_io_uring():
            self.skipTest("the kernel has no io_uring, or forbids it")
        self.assertNotIn("io_uring", ci("true").stderr)
        done = ci(PYTHON, "-c", IO_URING + IO_URING)
        self.assertEqual(done.stdout, "made\nmade\n")
        self.assertIn("\n  2 rings of io_uring, by which bind, listen and connect pass", done.stderr)
        done = ci(PYTHON, "-c", IO_URING, options=["--no-io-uring"])
        self.assertEqual(done.stdout, f"{errno.ENOSYS}\n")
        self.assertNotIn("io_uring", done.stderr)

    def test_counts_what_passes_in_another_network(self) -> None:
        coverage = answer_of("unshare", "-n", SERVER, "5003")["coverage"]
        self.assertIn("2 calls of bind or listen in another network namespace than at the start passed", coverage)

    def test_leaves_another_ci_below_it_the_library(self) -> None:
        """And a `run` that asks for a supervisor of its own says why there is none."""
        done = ci(COMMAND, "ci", "--", PYTHON, "-c", HELD + "print(attempt(5004))")
        self.assertEqual(done.stdout, "ok\n")
        self.assertEqual(done.stderr.count(BESIDE), 1, done.stderr)
        self.assertIn("the kernel allows one", done.stderr)
        self.assertEqual(ci(COMMAND, "run", "--front-end=both", "--", "true").returncode, 3)
        self.assertEqual(ci(COMMAND, "ci", "--", SERVER, "5004").returncode, 3, "the inner one can do nothing about it")

    def test_lets_a_run_below_it_judge_by_its_own_plan(self) -> None:
        script = HELD + "print(attempt(5005), attempt(7005))"
        done = ci(COMMAND, "run", "--listen=5000-5999", "--", PYTHON, "-c", script)
        self.assertEqual(done.stdout, f"ok {errno.EACCES}\n", done.stderr)
        self.assertIn("portguard: 1 failure in 1 event\n", done.stderr)

    def test_keeps_a_lease_for_all(self) -> None:
        script = f"""
import socket, subprocess
picked = socket.socket(); picked.bind(("127.0.0.1", 0)); port = picked.getsockname()[1]; picked.close()
subprocess.run([{SERVER!r}, str(port)])
"""
        done = ci(PYTHON, "-c", script, options=["--lease"])
        self.assertRegex(done.stdout, r"^\d+ ok\n$", done.stderr)

    def test_may_be_told_which_of_the_two(self) -> None:
        self.assertIn("the guard was in ", ci("sleep", "0.3", options=["--front-end=preload"]).stderr)
        maps = ["cat", "/proc/self/maps"]
        done = ci(*maps, options=["--front-end=supervisor"])
        self.assertNotIn("libportguard", done.stdout)
        self.assertTrue(done.stderr.endswith(f"portguard: {BESIDE}\n"), done.stderr)
        self.assertIn("libportguard", ci(*maps, options=["--front-end=both"]).stdout)
        self.assertEqual(ci("true", options=["--front-end=all"]).returncode, 2)
        done = ci("true", options=["--front-end=preload", "--no-io-uring"])
        self.assertEqual(done.returncode, 2)
        self.assertIn("add --front-end=both", done.stderr)

    def test_ends_with_the_program_and_leaves_its_supervisor_to_what_stays(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            done = ci("sh", "-c", "sleep 100 >/dev/null 2>&1 </dev/null & echo $! >daemon.pid", cwd=folder)
            self.assertEqual(done.returncode, 0)
            os.kill(int(pathlib.Path(folder, "daemon.pid").read_text()), 9)

    def test_names_who_holds_the_port_of_a_static_program(self) -> None:
        with listening(5006):
            failure = answer_of(SERVER, "5006")["failures"][0]
        self.assertEqual(failure["event"], "in_use")


class CiWithoutPrivileges(Supervised):
    """A build may call sudo, which gains nothing under no_new_privs."""

    def by_nobody(self, *words: str, options=()) -> subprocess.CompletedProcess:
        def drop() -> None:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

        command, server = copies_for_all(self)
        return ci(*[server if word == SERVER else word for word in words], options=options, command=command, preexec_fn=drop,
                  cwd="/")

    def test_has_the_library_alone_and_says_so(self) -> None:
        done = self.by_nobody("grep", "NoNewPrivs", "/proc/self/status")
        self.assertEqual(done.stdout, "NoNewPrivs:\t0\n", done.stderr)
        self.assertIn("--front-end=both", done.stderr)
        done = self.by_nobody(SERVER, "5000")
        self.assertEqual(done.returncode, 3)
        self.assertIn("--front-end=both to guard it from outside", done.stderr)
        self.assertEqual(self.by_nobody("true", options=["--no-io-uring"]).returncode, 2)

    def test_has_both_where_that_is_asked_for(self) -> None:
        done = self.by_nobody(SERVER, "5000", options=["--front-end=both"])
        self.assertEqual(done.stdout, "5000 ok\n", done.stderr)
        self.assertIn(BESIDE, done.stderr)
        self.assertIn("no_new_privs", done.stderr)

    def test_has_both_where_the_privileges_are_gone_already(self) -> None:
        done = self.by_nobody("true")
        self.assertNotIn(BESIDE, done.stderr)
        command, _ = copies_for_all(self)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", command, "ci",
                               "--", "true"], capture_output=True, text=True, timeout=DEADLINE, cwd="/")
        self.assertIn(BESIDE, done.stderr)


if __name__ == "__main__":
    run_tests()
