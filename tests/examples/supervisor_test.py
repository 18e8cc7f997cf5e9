#!/usr/bin/python3 -B
"""The commands of examples/supervisor/README.md, run as they stand there, and the image of its Dockerfile, played: its file system
is a root of its own, read-only, where it runs as the first process and as the user that the Dockerfile says.

supervisor_test.py ROOT_OF_SOURCES BUILD      in network, mount and pid namespaces of its own
"""

import ctypes
import errno
import http.client
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

SKIP = 77
SOURCES, BUILD = map(pathlib.Path, sys.argv[1:3])
FOLDER = SOURCES / "examples/supervisor"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
PR_SET_SECCOMP = 22
PIDFD_GETFD = 438
PATIENCE_S = 60
# Of the kernel's own choice nearly every port is one of `listen`.
RANGE = "10000 40100"


def block_with(text: str) -> str:
    found, = [block for block in re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) if text in block]
    return found


def wait_until(condition, what: str):
    end = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not in {PATIENCE_S} s: {what}")
        time.sleep(0.02)
    return found


def get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise AssertionError(f"{port}{path}: {answer.status} {body!r}")
    return body


def is_served(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def own_ports(of_port: int, process: str = "") -> set[int]:
    """Of those that are connected to `of_port`, or were in the last minute; of `process` alone: as it has them open."""
    rows = subprocess.run(["ss", "-Htanp"], check=True, capture_output=True, text=True).stdout.splitlines()
    pairs = [(row.split()[3].rpartition(":")[2], row.split()[4].rpartition(":")[2]) for row in rows if process in row]
    connected = [local for local, peer in pairs if peer == str(of_port)]
    return set(map(int, connected if process else connected + [peer for local, peer in pairs if local == str(of_port) and peer != "*"]))


def forbid_pidfd_getfd() -> None:
    """EPERM, by seccomp(2), for the whole container."""
    steps = [(0x20, 0, 0, 0), (0x15, 0, 1, PIDFD_GETFD), (0x06, 0, 0, 0x00050000 | errno.EPERM), (0x06, 0, 0, 0x7FFF0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(code))
    if LIBC.prctl(PR_SET_SECCOMP, 2, program) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


class OwnNetwork(unittest.TestCase):
    maxDiff = None
    def setUp(self) -> None:
        self.assertEqual(LIBC.unshare(CLONE_NEWNET), 0)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(RANGE)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)

    def launch(self, command: list[str], **more) -> subprocess.Popen:
        """Its output is a pipe that is read at the end: little is printed."""
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   **more)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process


class Page(OwnNetwork):
    """What the page says of Debian's programs."""

    def setUp(self) -> None:
        super().setUp()
        shutil.copytree(FOLDER, self.folder / "examples/supervisor")
        export, *commands = block_with("export ").splitlines()
        plan = dict(word.split("=") for word in shlex.split(export)[1:])
        self.environment = {"PATH": f"{BUILD}/bin:/usr/sbin:/usr/bin:/bin", "HOME": str(self.folder),
                            "PORTGUARD_CONFIG": "/dev/null", "PORTGUARD_BUDGET_MS": "10000", **plan}
        self.low, self.high = map(int, plan["PORTGUARD_EPHEMERAL"].split("-"))
        self.commands = {shlex.split(command)[4]: shlex.split(command) for command in commands if "--" in command}
        self.serves = {program: int(port) for program, port in re.findall(r"^\| (\w+)(?: httpd)? \| (\d+)", PAGE, re.MULTILINE)}
        self.assertEqual(set(self.commands), set(self.serves))
        self.assertEqual(len(self.commands), 4)

    def start(self, program: str) -> subprocess.Popen:
        return self.launch(self.commands[program], cwd=self.folder, env=self.environment)

    def start_serving(self, *programs: str) -> None:
        for program in programs:
            process = self.start(program)
            wait_until(lambda: is_served(self.serves[program]) or process.poll() is not None, f"{program} serves")
            self.assertIsNone(process.poll(), program)

    def check_own_ports(self, ports: set[int]) -> None:
        self.assertTrue(ports)
        self.assertEqual([port for port in ports if not self.low <= port <= self.high], [])

    def check_forwarded(self, program: str, path: str) -> None:
        self.start_serving("prometheus", program)
        # Those of the test's own are among them.
        before = own_ports(9090)
        for _ in range(5):
            self.assertIn(b"prometheus_build_info", get(self.serves[program], path))
        ports = own_ports(9090) - before
        self.assertGreater(len(ports), 1, "one may be a scrape")
        self.check_own_ports(ports)

    def test_what_nobody_guards_gets_ports_of_listen(self) -> None:
        self.start_serving("busybox")
        with self.assertRaises(AssertionError):
            self.check_own_ports(own_ports(self.serves["busybox"]))

    def test_busybox_connects_from_ephemeral(self) -> None:
        self.check_forwarded("busybox", "/cgi-bin/metrics")

    def test_caddy_connects_from_ephemeral(self) -> None:
        self.check_forwarded("caddy", "/metrics")

    def test_prometheus_connects_from_ephemeral(self) -> None:
        self.start_serving("prometheus")
        self.check_own_ports(wait_until(lambda: own_ports(9090, "prometheus"), "prometheus scrapes itself"))

    def test_etcd_connects_from_ephemeral(self) -> None:
        self.start_serving("etcd")
        self.assertIn("etcdserver", json.loads(get(2379, "/version")))
        self.check_own_ports(wait_until(lambda: own_ports(2379, "etcd"), "its gateway is a client of its own port"))

    def test_who_has_taken_a_port_is_named(self) -> None:
        for program, port in self.serves.items():
            with self.subTest(program):
                holder = self.launch(["/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", str(port)])
                wait_until(lambda: is_served(port), f"a listener on {port}")
                process = self.start(program)
                printed = process.communicate(timeout=PATIENCE_S)[0]
                self.assertNotEqual(process.returncode, 0)
                self.assertRegex(printed, rf"portguard: {program}\[{process.pid}\]: bind tcp \S+:{port}: in use \(EADDRINUSE\): "
                                          rf"held by python3\[{holder.pid}\] 127\.0\.0\.1:{port} LISTEN")
                self.assertRegex(printed, rf"(?m)^  now      kill {holder.pid}$")

    def test_the_report_of_the_page_is_the_one_that_is_printed(self) -> None:
        port, = re.findall(r"--bind 127\.0\.0\.1 (\d+)\n", block_with("-m http.server --bind 127.0.0.1 2379\nportguard"))
        holder = self.launch(["/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", port])
        wait_until(lambda: is_served(int(port)), f"a listener on {port}")
        process = self.start("etcd")
        printed = process.communicate(timeout=PATIENCE_S)[0]
        for theirs, ours in (("5650", process.pid), ("5507", holder.pid)):
            printed = re.sub(rf"\b{ours}\b", theirs, printed)
        self.assertIn(block_with("portguard: etcd["), printed.replace("/usr/bin/python3", "python3"))


class Image(OwnNetwork):
    """That of the Dockerfile."""

    def setUp(self) -> None:
        super().setUp()
        self.text = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
        step, = re.findall(r"^RUN (DESTDIR=(?:.*\\\n)*.*)$", self.text, re.MULTILINE)
        self.root = self.folder / "image"
        places = {"/build": BUILD, "/installed": f"{self.root}-installed", "/image": self.root}
        step = re.sub(r"(?<=[ =>])/(?:build|installed|image)\b", lambda place: str(places[place.group(0)]), step)
        subprocess.run(["sh", "-ec", f"exec >/dev/null; {step}"], check=True)
        # Every container has it.
        (self.root / "proc").mkdir()

    def seal(self) -> None:
        subprocess.run(["mount", "--bind", self.root, self.root], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.root], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", self.root], check=True)

    def words_of(self, instruction: str) -> list[str]:
        words, = re.findall(rf"^{instruction} (\[.*\])$", self.text, re.MULTILINE)
        return json.loads(words)

    def play(self, *words: str, enter: tuple[str, ...] = ("unshare", "--mount", "--pid", "--fork", "--kill-child"),
             **more) -> subprocess.Popen:
        """A container's first process, by the user of the Dockerfile, which has no capability then."""
        if not os.path.ismount(self.root):
            self.seal()
        user, = re.findall(r"^USER (\d+:\d+)$", self.text, re.MULTILINE)
        mounts = [f"--mount-proc={self.root}/proc"] if enter[0] == "unshare" else []
        environment = {"PATH": os.environ["PATH"], "PORTGUARD_BUDGET_MS": "10000", **dict(re.findall(r"\b(PORTGUARD_\w+)=(\S+)",
                                                                                                  self.text))}
        return self.launch([*enter, *mounts, "chroot", f"--userspec={user}", "--groups=", self.root, *self.words_of("ENTRYPOINT"),
                            *(words or self.words_of("CMD"))], env=environment, **more)

    def serve(self) -> int:
        """The number by which this namespace knows the first process."""
        outside = self.play()
        wait_until(lambda: is_served(8000) or outside.poll() is not None, "httpd serves")
        self.assertIsNone(outside.poll())
        return int(pathlib.Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text())

    def test_has_static_files_and_no_more(self) -> None:
        files = {str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file()}
        library = "usr/local/lib/x86_64-linux-gnu"
        self.assertEqual(files, {"httpd", "www/index.html", "usr/local/bin/portguard", f"{library}/libportguard.so",
                                 f"{library}/portguard/portguard-explain"})
        for name in ("httpd", "usr/local/bin/portguard", f"{library}/portguard/portguard-explain"):
            headers = subprocess.run(["readelf", "-lW", self.root / name], check=True, capture_output=True, text=True).stdout
            self.assertNotIn("INTERP", headers, name)

    def test_serves(self) -> None:
        self.serve()
        self.assertEqual(get(8000, "/"), b"hello\n")

    def test_connects_from_ephemeral(self) -> None:
        # By its name, as busybox is httpd.
        shutil.copy(self.root / "httpd", self.root / "wget")
        self.serve()
        before = own_ports(8000)
        self.assertEqual(self.play("/wget", "-q", "-O", "-", "http://127.0.0.1:8000/").communicate(timeout=PATIENCE_S)[0],
                         "portguard: without CAP_SYS_ADMIN, set-user-ID programs below this one gain no privileges "
                         "(no_new_privs)\nhello\n")
        port, = own_ports(8000) - before
        self.assertTrue(40000 <= port <= 60000, port)

    def test_what_holds_the_port_in_the_same_container_is_named(self) -> None:
        first = self.serve()
        second = self.play(enter=("nsenter", f"--target={first}", "--mount", "--pid"))
        printed = second.communicate(timeout=PATIENCE_S)[0]
        self.assertEqual(second.returncode, 1, printed)
        self.assertRegex(printed, r"portguard: httpd\[\d+\]: bind tcp \[::\]:8000: in use \(EADDRINUSE\): held by httpd\[1\] ")
        self.assertNotRegex(printed, r"\bkill 1\b")

    def test_is_refused_outside_listen_as_the_page_says(self) -> None:
        words, = re.findall(r"guarded-httpd (/httpd .*)$", PAGE, re.MULTILINE)
        said, = re.findall(r"The second is refused: `(.*)`", PAGE)
        process = self.play(*words.split())
        self.assertIn(said, process.communicate(timeout=PATIENCE_S)[0])
        self.assertEqual(process.returncode, 1)

    def test_keeps_the_plan_without_the_capability_and_says_what_it_lacks(self) -> None:
        """By what Docker's profile says of pidfd_getfd(2)."""
        words, = re.findall(r"guarded-httpd (/httpd .*)$", PAGE, re.MULTILINE)
        printed = self.play(*words.split(), preexec_fn=forbid_pidfd_getfd).communicate(timeout=PATIENCE_S)[0]
        self.assertIn("portguard: no bind or listen is cured, no listener is given SO_REUSEADDR", printed)
        self.assertIn("httpd: listen: Permission denied", printed)

    def test_leaves_the_output_of_a_daemon_to_its_reader_without_a_null_device(self) -> None:
        words = [word for word in self.words_of("CMD") if word != "-f"]
        self.seal()
        process = self.launch(["unshare", f"--mount-proc={self.root}/proc", "chroot", self.root, *self.words_of("ENTRYPOINT"), *words], env={"PATH": os.environ["PATH"]})
        self.assertEqual(process.communicate(timeout=PATIENCE_S)[0], "")
        daemons = set(re.findall(r"pid=(\d+)", subprocess.run(["ss", "-Htlnp"], check=True, capture_output=True, text=True).stdout))
        self.assertEqual(get(8000, "/"), b"hello\n")
        for daemon in daemons:
            os.kill(int(daemon), signal.SIGKILL)


if __name__ == "__main__":
    if os.geteuid() != 0 or os.getpid() > 100:
        print("no pid namespace of its own")
        sys.exit(SKIP)
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
