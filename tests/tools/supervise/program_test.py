#!/usr/bin/python3 -B
"""What a program under `portguard run --front-end=supervisor` sees of it: nothing.
usage: as in supervising.py"""

import os
import pathlib
import signal
import subprocess
import tempfile

from supervising import DEADLINE, HELD, PLAN, SERVER, Supervised, run, run_tests, supervised, supervisors_of


class TheProgram(Supervised):
    def test_keeps_the_pid_that_run_had(self) -> None:
        process = subprocess.Popen(supervised(SERVER, "pid"), stdout=subprocess.PIPE, text=True)
        self.assertEqual(int(process.communicate(timeout=DEADLINE)[0]), process.pid)

    def test_ends_as_it_ends_alone(self) -> None:
        self.assertEqual(run("sh", "-c", "exit 7").returncode, 7)
        self.assertEqual(run("sh", "-c", "kill -TERM $$").returncode, -signal.SIGTERM)

    def test_is_started_as_without_us(self) -> None:
        questions = "ls /proc/self/fd; grep -E '^(Sig[PBIC]|Shd|Cap|NoNewPrivs|Uid|Threads)' /proc/self/status; " \
                    "cut -d' ' -f5-8 /proc/self/stat; ulimit -a; umask; pwd"
        # Not SigQ, which counts the signals of all processes of this user.
        def answers(command: list[str]) -> str:
            # In this process's session and group: what names them is the same.
            return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE).stdout

        alone = answers(["sh", "-c", questions])
        self.assertIn("SigPnd", alone)
        self.assertEqual(answers(supervised("sh", "-c", questions)), alone)

    def test_has_no_child_of_ours(self) -> None:
        script = "import os\ntry: print(os.waitpid(-1, 0))\nexcept ChildProcessError: print('none')"
        self.assertEqual(run("/usr/bin/python3", "-c", script).stdout, "none\n")

    def test_has_none_where_it_adopts_orphans_either(self) -> None:
        """A container's first process; it stays so where the server is killed, whose standby is an orphan then."""
        script = HELD + """import os, signal
def is_ours(pid):
    try: return os.readlink(f"/proc/{pid}/exe").endswith("/portguard")
    except FileNotFoundError: return False
def supervisors():
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and is_ours(pid)]
def has_child():
    try: return os.waitpid(-1, os.WNOHANG)
    except ChildProcessError: return False
print(attempt(7000), has_child())
while len(before := sorted(supervisors())) < 3: pass
for pid in before[1:]:
    os.kill(pid, signal.SIGKILL)
    while pid in supervisors() or len(supervisors()) < 3: pass
print(attempt(7000), has_child())
"""
        as_subreaper = "import ctypes, subprocess, sys\n" \
                       "subprocess.run(sys.argv[1:], check=True, preexec_fn=lambda: ctypes.CDLL(None).prctl(36, 1))"
        for adopter in ([], ["/usr/bin/python3", "-c", as_subreaper]):
            done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", *adopter,
                                   *supervised("/usr/bin/python3", "-c", script, options=[*PLAN, "--log=none"])],
                                  capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual(done.stdout, "13 False\n13 False\n", done.stderr)

    def test_leaves_the_end_of_its_output_to_whoever_reads_it(self) -> None:
        """A daemon that closes what it inherited lives on, and so does its supervisor."""
        script = "exec >/dev/null 2>&1 </dev/null; (sleep 100 & echo $! >daemon.pid) "
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(run("sh", "-c", script, cwd=folder).returncode, 0)
            daemon = int(pathlib.Path(folder, "daemon.pid").read_text())
        self.assertTrue(supervisors_of(0), "the daemon is supervised still")
        os.kill(daemon, signal.SIGKILL)


if __name__ == "__main__":
    run_tests()
