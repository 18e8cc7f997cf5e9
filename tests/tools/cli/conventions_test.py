#!/usr/bin/python3
"""Each row of the table of conventions in tools/commands.md, tried; a row without a test here fails.

conventions_test.py COMMAND ROOT CORPUS       in a network of its own
"""

import fcntl
import os
import pathlib
import pty
import re
import select
import shlex
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
import unittest

COMMAND, ROOT, CORPUS = sys.argv[1:4]
COMMANDS_PAGE = pathlib.Path(ROOT, "tools/commands.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\| `(\w+)` \|", COMMANDS_PAGE.partition("<!-- /exit status -->")[0], re.MULTILINE)
RECORDED = f"{CORPUS}/outgoing_connection.json"
TRIED = {}


def row(name: str):
    """Of the table, by its first cell."""
    def keep(function):
        TRIED[name] = function.__name__
        return function
    return keep


def clean(**changes: str) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "PORTGUARD_CONFIG": "/dev/null", "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color", **changes}


def run(*words: str, **changes: str) -> subprocess.CompletedProcess:
    return subprocess.run([COMMAND, *words], env=clean(**changes), text=True, capture_output=True, timeout=60, check=False)


class AtTerminal:
    """A program on a terminal of its own: what it wrote, how it ended, whether the terminal is as it was."""

    def __init__(self, *words: str, columns: int = 80, keys: bytes = b"", when: bytes = b"", **changes: str) -> None:
        terminal, own = pty.openpty()
        fcntl.ioctl(own, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        before = termios.tcgetattr(own)

        def become() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        process = subprocess.Popen([COMMAND, *words], stdin=own, stdout=own, stderr=own, env=clean(**changes),
                                   preexec_fn=become, close_fds=True)
        self.text, end = b"", time.monotonic() + 60
        while time.monotonic() < end:
            if select.select([terminal], [], [], 0.02)[0]:
                self.text += os.read(terminal, 65536)
            elif process.poll() is not None:
                break
            if keys and when in self.text:
                os.write(terminal, keys)
                keys = b""
        process.kill()
        self.status = process.wait()
        self.is_as_before = termios.tcgetattr(own) == before
        os.close(own)
        os.close(terminal)


class Conventions(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        for port in (10000, 40000):
            server = socket.create_server(("127.0.0.1", port))
            cls.addClassCleanup(server.close)

    def refused(self, words: list[str], *parts: str) -> None:
        finished = run(*words)
        self.assertEqual((finished.returncode, finished.stdout, finished.stderr.count("\n")), (2, "", 1), finished)
        for part in ("portguard: ", *parts):
            self.assertIn(part, finished.stderr)

    def test_every_row_says_have_and_is_tried_here(self) -> None:
        table = COMMANDS_PAGE.partition("## Conventions")[2]
        rows = re.findall(r"^\| (.*?) \| (.*?) \| .* \|$", table, re.MULTILINE)[1:]
        self.assertEqual({name for name, _ in rows}, set(TRIED))
        self.assertEqual({have for _, have in rows}, {"have"})

    @row("`-h`, `--help`")
    def test_help(self) -> None:
        for command in COMMANDS:
            texts = [run(*words) for words in ((command, "-h"), (command, "--help"), ("help", command))]
            self.assertEqual({(text.returncode, text.stdout) for text in texts}, {(0, texts[0].stdout)})
            self.assertTrue(texts[0].stdout.startswith(f"Usage: portguard {command} "))
        self.assertEqual(run("-h").stdout, run("--help").stdout)

    @row("man pages")
    def test_man_pages(self) -> None:
        for command in COMMANDS:
            self.assertIn(f".TH PORTGUARD\\-{command.upper()} 1 ", run("man", command).stdout)
        self.assertIn(".TH PORTGUARD 1 ", run("man").stdout)
        self.assertIn(".TH PORTGUARD.CONF 5 ", run("man", "options").stdout)

    @row("version")
    def test_version(self) -> None:
        text = run("version").stdout
        self.assertEqual({run("--version").stdout, run("-V").stdout}, {text})
        for pattern in (r"^portguard \S+ \(commit \w+", r"^library  /.*/libportguard\.so$", r"^helper   /.*/portguard-explain$",
                        r"^kernel   \d", r"IP_LOCAL_PORT_RANGE: "):
            self.assertRegex(text, re.compile(pattern, re.MULTILINE))

    @row("without arguments")
    def test_without_arguments(self) -> None:
        finished = run()
        self.assertEqual((finished.returncode, finished.stderr), (2, ""))
        for command in COMMANDS:
            self.assertRegex(finished.stdout, f"\n  {command} ")

    @row("options")
    def test_options(self) -> None:
        alike = [run("config", *words).stdout
                 for words in (["--deny-errno=EPERM"], ["--deny-errno", "EPERM"], ["--deny_errno=EPERM"],
                               ["--deny-errno=EACCES", "--deny_errno=EPERM"])]
        self.assertEqual(len(set(alike)), 1)
        self.assertIn("EPERM", alike[0])
        self.assertEqual(run("run", "--", "printf", "%s", "--help").stdout, "--help")

    @row("letters")
    def test_letters(self) -> None:
        for letter, name in (("-j", "--json"), ("-v", "--verbose"), ("-w1s", "--wait=1s"), ("-h", "--help")):
            self.assertEqual(run("who", letter, "10001").stdout, run("who", name, "10001").stdout)
        self.assertEqual(run("who", "-n").stdout, run("who", "--numeric").stdout)
        self.assertEqual([(done.returncode, done.stdout) for done in (run("who", "-qn"), run("check", "-q"))], [(0, ""), (1, "")])
        # On a terminal alone, which says that it is understood.
        self.assertIn("--watch draws on a terminal", run("map", "-w").stderr)

    @row("what means nothing")
    def test_what_means_nothing(self) -> None:
        self.refused(["who", "--wide"], "no such option")
        self.refused(["who", "-q", "-j"], "--quiet", "beside --json")
        for command in ("who", "map", "events", "ci"):
            self.refused([command, "--color=always", "--json"], "--color", "beside --json")
        self.refused(["who", "--color=always", "-q"], "--color", "beside --quiet")

    @row("did you mean")
    def test_did_you_mean(self) -> None:
        self.refused(["chekc"], "did you mean check?")
        self.refused(["who", "--verbos"], "did you mean --verbose?")
        self.refused(["who", "--color=alwys"], "did you mean always?")
        self.refused(["help", "rnu"], "did you mean run?")

    @row("machines")
    def test_machines(self) -> None:
        for command in COMMANDS:
            usage = run("help", command).stdout
            if "--json" in usage:
                schema = pathlib.Path(ROOT, "tools/schema", f"{command}.schema.json")
                self.assertTrue(schema.exists() and f"share/portguard/{schema.name}" in usage, command)
        self.assertEqual(len({run("version", option).stdout for option in ("--json", "-j", "--format=json")}), 1)
        self.assertIn("null", run("who", "--json", "10001").stdout)

    @row("lists")
    def test_lists(self) -> None:
        headers, *lines = run("who", "-n").stdout.splitlines()
        without = run("who", "-n", "--no-headers").stdout.splitlines()
        self.assertEqual([line.split() for line in lines], [line.split() for line in without])
        self.assertEqual(len(lines), 2)
        for line in lines:
            self.assertGreaterEqual(len(line.split()), len(headers.split()))

    @row("diagnostics")
    def test_diagnostics(self) -> None:
        for words in (["who"], ["who", "10001"], ["map"], ["check", "--json"]):
            wrong = run(*words, PORTGUARD_LISTEN="http", PORTGUARD_LISEN="80")
            self.assertEqual(wrong.stdout, run(*words).stdout)
            self.assertRegex(wrong.stderr, r"\A(portguard: .*\n)+\Z")

    @row("silence")
    def test_silence(self) -> None:
        for words, status in ((["who", "-q", "10000"], 1), (["who", "-q", "10001"], 0), (["check", "-q"], 1),
                              (["check", "-q", "--fail-on=never"], 0)):
            finished = run(*words)
            self.assertEqual((finished.returncode, finished.stdout + finished.stderr), (status, ""))

    @row("pipes")
    def test_pipes(self) -> None:
        for words in (["who"], ["who", "10000"], ["map"], ["events", RECORDED], ["check"]):
            self.assertNotIn("\033", run(*words).stdout)
        self.assertIn(shlex.join(sys.argv[1:]), run("who", "10000").stdout.replace("?", " "))

    @row("colour")
    def test_colour(self) -> None:
        for words in (["who"], ["who", "10000"], ["map"], ["events", RECORDED]):
            self.assertIn("\033", run(*words, "--color=always", NO_COLOR="1").stdout)
            self.assertIn(b"\033", AtTerminal(*words).text)
            self.assertNotIn(b"\033", AtTerminal(*words, "--color=never").text)
            self.assertNotIn(b"\033", AtTerminal(*words, NO_COLOR="1").text)
            self.assertNotIn(b"\033", AtTerminal(*words, TERM="dumb").text)
        self.refused(["ci", "--color=no", "true"], "expected auto, always or never")

    @row("any terminal")
    def test_any_terminal(self) -> None:
        for words in (["who"], ["who", "10000"], ["who", "10001"], ["map"], ["who", "/nowhere"]):
            for columns in (20, 40, 80, 200):
                lines = AtTerminal(*words, columns=columns, NO_COLOR="1").text.decode().replace("\r", "").splitlines()
                # What is pasted stays whole, and so does a word.
                wide = [line for line in lines if len(line) > columns and " " in line.strip() and "portguard" not in line]
                self.assertEqual(wide, [])
                for number in re.findall(r"\d{4,}", "\n".join(lines) if "10000" in words else ""):
                    self.assertIn(number, run(*words).stdout + run("who").stdout)

    @row("progress")
    def test_progress(self) -> None:
        text = AtTerminal("check", "--sample=1100ms").text
        self.assertTrue(text.startswith(b"\r\033[Kportguard: counting new outgoing connections, 0 of 1 s"), text)
        self.assertNotIn(b"counting", text.rpartition(b"\r\033[K")[2])
        self.assertNotIn(b"counting", AtTerminal("check", "--sample=100ms").text)
        self.assertEqual(run("check", "--sample=1100ms").stderr, "")

    @row("interruption")
    def test_interruption(self) -> None:
        for words, sign in ((["who", "--wait=1h", "10000"], b"waiting"), (["check", "--sample=1h"], b"counting"),
                            (["map", "--watch=1h"], b"\033[J"), (["hold", "10002"], b"ready")):
            ended = AtTerminal(*words, keys=b"\x03", when=sign)
            self.assertEqual((ended.status, ended.is_as_before), (-signal.SIGINT, True), ended.text)
            self.assertTrue(ended.text.endswith((b"\r\033[K", b"\033[?1049l", b"^C")), ended.text)
        handler = "trap 'echo got it; exit 5' INT; echo ready; while :; do sleep 0.01; done"
        for words in (["run", "--"], ["ci", "--"], ["repro", RECORDED, "--for=1h", "--"], ["hold", "10002", "--"]):
            ended = AtTerminal(*words, "sh", "-c", handler, keys=b"\x03", when=b"ready\r\n")
            self.assertIn(b"got it", ended.text)
            self.assertEqual(ended.status, 1 if words[0] == "repro" else 5, ended.text)

    @row("completion")
    def test_completion(self) -> None:
        installed = pathlib.Path(ROOT, "tools/CMakeLists.txt").read_text(encoding="utf-8")
        places = {"bash": "bash-completion/completions", "zsh": "zsh/site-functions", "fish": "fish/vendor_completions.d"}
        for shell, place in places.items():
            script = run("completion", shell).stdout
            for word in (*COMMANDS, "color", "no-headers"):
                self.assertIn(word, script)
            parsed = subprocess.run([shell, "-n", "/dev/stdin"], input=script, text=True, capture_output=True, check=False)
            self.assertEqual((parsed.returncode, parsed.stderr), (0, ""))
            self.assertIn(place, installed)

    @row("durations")
    def test_durations(self) -> None:
        for word in ("500ms", "60s", "5m", "2h", "1d", "3"):
            self.assertEqual(run("who", f"--wait={word}", "10001").returncode, 0)
        self.refused(["who", "--wait=5x", "10001"], "expected one such as 30s or 5m")

    @row("ports")
    def test_ports(self) -> None:
        for word in ("10000", "10000,9000-9001", "10000/tcp", "localhost:10000", "127.0.0.1:10000"):
            self.assertEqual(run("who", word).returncode, 1, word)
        for word in ("53/udp", "http", "[::1]:80", "80,443,5000-9999"):
            self.assertEqual(run("who", word).returncode, 0, word)

    @row("namespaces")
    def test_namespaces(self) -> None:
        other = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 600"], stdout=subprocess.PIPE)
        other.stdout.readline()
        try:
            for words, status in ((["who", "10000"], 0), (["map"], 0), (["check"], 0), (["plan"], 0),
                                  (["rescue", "--dry-run", "10000"], 0), (["hold", "--for=1ms", "10003"], 0)):
                finished = run(*words, f"--netns={other.pid}")
                self.assertEqual(finished.returncode, status, finished)
        finally:
            other.kill()
            other.communicate()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
