#!/usr/bin/python3
"""Every exit status of the table in tools/commands.md comes out where it says, and every answer goes through jq.

exit_status_test.py COMMAND PAGE CORPUS STATIC_PROGRAM       in a network of its own
"""

import pathlib
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import unittest

COMMAND, PAGE, CORPUS, STATIC_PROGRAM = sys.argv[1:5]
FAILED = ["sh", "-c", "exit 7"]
RECORDED = f"{CORPUS}/outgoing_connection.json"
# A suite that meets port 10000, and does not mind.
MEETS = ["/usr/bin/python3", "-c", "import socket\ntry: socket.socket().bind(('127.0.0.1', 10000))\nexcept OSError: pass"]


def table() -> dict[str, set[str]]:
    """The statuses of each command, as the page has them."""
    text = pathlib.Path(PAGE).read_text(encoding="utf-8").partition("<!-- exit status -->")[2]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", text.partition("<!-- /exit status -->")[0], re.MULTILINE)
    return {command: set(re.findall(r"\*\*(\w+)\*\*", statuses)) for command, statuses in rows}


def cases(folder: pathlib.Path, elsewhere: int) -> dict[str, dict[str, list[str]]]:
    """Words that end with each status; of `else`, with 7 or, where no program is started, 127. `elsewhere`: a process
    in a network where nothing listens."""
    empty = folder / "empty.log"
    empty.write_text("")
    twice = folder / "twice"
    twice.write_text("web 80\nother 80\n")
    wrong = ["--no-such"]
    return {
        "run": {"2": [], "3": ["--", STATIC_PROGRAM], "126": ["--", "/etc/passwd"], "127": ["--", "/nowhere"],
                "else": ["--", *FAILED]},
        "check": {"0": ["--fail-on=never"], "1": [], "2": wrong},
        "plan": {"0": [], "1": [f"--list={twice}"], "2": ["--list=/nowhere"]},
        "map": {"0": [f"--netns={elsewhere}"], "1": [], "2": ["--svg=/nowhere/picture"]},
        "who": {"0": ["10001"], "1": ["10000"], "2": ["no-such-service"]},
        "rescue": {"0": ["--dry-run", "10001"], "1": ["--dry-run", "10000"], "2": ["http"]},
        "hold": {"0": ["--for=10ms", "10002"], "1": ["--for=10ms", "10000,10002"], "2": [], "else": ["10003", "--", *FAILED]},
        "lease": {"0": ["web"], "1": ["--listen=10000", "web"], "2": wrong, "else": ["--env=WEB=web", "--", *FAILED]},
        "events": {"0": [str(empty)], "1": [RECORDED], "2": wrong},
        "metrics": {"0": [], "1": ["/nowhere"], "2": ["--listen=nothing"]},
        "repro": {"0": [RECORDED, "--probe"], "1": [RECORDED, "--", "true"], "2": ["/nowhere"],
                  "else": [RECORDED, "--", "/nowhere"]},
        "ci": {"1": ["--fail-on=in-use", "--", *MEETS], "2": [], "else": ["--", *FAILED]},
        "config": {"0": [], "2": ["--mode=on"]},
        "completion": {"0": ["bash"], "2": ["tcsh"]},
        "help": {"0": ["who"], "2": ["nothing"]},
        "man": {"0": ["who"], "2": ["nothing"]},
        "version": {"0": [], "2": wrong},
    }


def expected(command: str, status: str) -> int:
    return int(status) if status != "else" else 127 if command == "repro" else 7


def environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "PORTGUARD_CONFIG": "/dev/null", "LC_ALL": "C.UTF-8"}


class ExitStatus(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory(prefix="portguard-test-")
        cls.addClassCleanup(folder.cleanup)
        elsewhere = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 600"], stdout=subprocess.PIPE)
        cls.addClassCleanup(elsewhere.communicate)
        cls.addClassCleanup(elsewhere.kill)
        elsewhere.stdout.readline()
        cls.cases = cases(pathlib.Path(folder.name), elsewhere.pid)
        # One in the way, one in the range of outgoing connections.
        for port in (10000, 40000):
            server = socket.create_server(("127.0.0.1", port))
            cls.addClassCleanup(server.close)

    def all(self) -> list[tuple[str, str, list[str]]]:
        return [(command, status, words) for command, statuses in self.cases.items() for status, words in statuses.items()]

    def shell(self, script: str) -> subprocess.CompletedProcess:
        return subprocess.run(["bash", "-c", script], env=environment(), text=True, capture_output=True, timeout=60,
                              check=False)

    def test_every_status_of_the_table_is_tried_here(self) -> None:
        # What is done to the whole system is tried in a root of its own, by tests/tools/enable/system_wide_test.py.
        here = {command: statuses for command, statuses in table().items() if command not in ("enable", "disable")}
        self.assertEqual(here, {command: set(statuses) for command, statuses in self.cases.items()})

    def test_every_command_ends_with_each_of_them(self) -> None:
        for command, status, words in self.all():
            finished = self.shell(shlex.join([COMMAND, command, *words]))
            self.assertEqual(finished.returncode, expected(command, status), f"{command}: {finished}")

    def test_every_answer_as_json_goes_through_jq_and_keeps_the_status(self) -> None:
        tried = set()
        for command, status, words in self.all():
            has_json = "--json" in self.shell(f"{COMMAND} help {command}").stdout
            # Where nothing was done, or a program ran in the place of the command, there is no answer.
            if not has_json or status == "2" or (status == "else" and command != "ci"):
                continue
            tried.add(command)
            line = shlex.join([COMMAND, command, "--json", *words])
            finished = self.shell(f"set -o pipefail; {line} | jq -e .schema; echo ${{PIPESTATUS[@]}}")
            schemas, statuses = finished.stdout.splitlines()[:-1], finished.stdout.splitlines()[-1]
            self.assertEqual(statuses, f"{expected(command, status)} 0", f"{command}: {finished}")
            self.assertEqual(set(schemas), {"1"})
        self.assertEqual(tried, {"who", "check", "map", "plan", "hold", "rescue", "events", "repro", "ci", "config", "version"})

    def test_an_answer_that_cannot_be_written_is_1(self) -> None:
        for command, status, words in self.all():
            # A lease that is not to be had has no answer.
            if status in ("0", "1") and command not in ("hold", "ci") and (command, status) != ("lease", "1"):
                finished = self.shell(shlex.join([COMMAND, command, *words]) + " >/dev/full")
                self.assertEqual(finished.returncode, 1, f"{command}: {finished}")
                self.assertIn("portguard: standard output cannot be written: ", finished.stderr)

    def test_a_head_that_has_read_enough_is_no_error(self) -> None:
        for command, _, words in self.all():
            finished = self.shell(shlex.join([COMMAND, command, *words]) + " | head -n 0; echo ${PIPESTATUS[0]}")
            self.assertNotIn("annot be written", finished.stderr)
            # 141: SIGPIPE, as of ls.
            self.assertIn(int(finished.stdout.split()[-1]), {0, 1, 2, 3, 7, 126, 127, 141})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
