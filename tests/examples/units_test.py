#!/usr/bin/python3 -B
"""The units as they are installed: systemd finds nothing to say about them, and what they start does its work with the
rights and filters that it has there. systemd itself is not started: its sandbox is played.

units_test.py BUILD_FOLDER CMAKE    in a network and a mount namespace of its own
"""

import ctypes
import os
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.request

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "daemons"))

import units  # pylint: disable=wrong-import-position
import with_filter  # pylint: disable=wrong-import-position

SKIP = 77
BUILD, CMAKE = "", ""
SECONDS = 120
# systemd-analyze(1): "OK" ends at 5.0, and a unit without a sandbox has 9.6.
MOST_EXPOSED = {"portguard-plan.service": 20, "portguard-metrics.service": 25, "portguard-metrics-http.service": 25}
SETTINGS = ("ip_local_port_range", "ip_local_reserved_ports")
RANGE = "32768 60999"
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
CAPABILITIES = {number: f"CAP_{number}" for number in range(64)} | {2: "CAP_DAC_READ_SEARCH", 19: "CAP_SYS_PTRACE"}
PLAYED = ("SystemCallFilter", "RestrictAddressFamilies", "SystemCallErrorNumber", "NoNewPrivileges", "MemoryDenyWriteExecute",
          "RestrictNamespaces")


def run(*words: str, **more) -> subprocess.CompletedProcess:
    return subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False, **more)


def lines_of(unit: pathlib.Path, key: str) -> list[str]:
    return [line.partition("=")[2] for line in unit.read_text().splitlines() if line.startswith(f"{key}=")]


def settings() -> dict[str, str]:
    return {name: pathlib.Path("/proc/sys/net/ipv4", name).read_text().strip().replace("\t", " ") for name in SETTINGS}


def keep_capabilities(kept: list[str]) -> None:
    libc = ctypes.CDLL(None)
    for number, name in CAPABILITIES.items():
        if name not in kept:
            libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


class UnitsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        prefix = pathlib.Path(cls.folder.name, "usr")
        installed = run(CMAKE, "--install", BUILD, "--prefix", str(prefix), "--strip")
        assert installed.returncode == 0, installed
        cls.units = prefix / "lib/systemd/system"
        cls.pages = prefix / "share/man"
        cls.plan = cls.units / "portguard-plan.service"

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    def verified(self, unit: pathlib.Path) -> str:
        """Exit status and what is said of it; other units of this machine are none of ours."""
        answer = run("systemd-analyze", "verify", "--recursive-errors=no", str(unit),
                     env=os.environ | {"MANPATH": str(self.pages)})
        said = [line for line in answer.stderr.splitlines() if unit.stem in line]
        return "\n".join([*said, *([f"exit status {answer.returncode}"] if answer.returncode else [])])

    def test_systemd_has_nothing_to_say_about_them(self) -> None:
        found = sorted(path.name for path in self.units.iterdir())
        self.assertEqual(found, ["portguard-metrics-http.service", "portguard-metrics-http.socket", "portguard-metrics.service",
                                 "portguard-metrics.timer", "portguard-plan.service"])
        for name in found:
            self.assertEqual(self.verified(self.units / name), "", name)

    def test_a_unit_with_a_mistake_is_complained_of(self) -> None:
        wrong = pathlib.Path(self.folder.name, "portguard-wrong.service")
        wrong.write_text(self.plan.read_text().replace("ProtectClock=", "ProtectClocks="))
        self.assertIn("ProtectClocks", self.verified(wrong))

    def test_their_exposure_is_low(self) -> None:
        for name, most in MOST_EXPOSED.items():
            answer = run("systemd-analyze", "security", "--offline=yes", "--no-pager", f"--threshold={most}", str(self.units / name))
            self.assertEqual(answer.returncode, 0, answer.stdout.splitlines()[-1:])

    def test_none_is_enabled_by_the_installation(self) -> None:
        root = pathlib.Path(self.folder.name)
        self.assertEqual([path for path in root.rglob("*.wants/*")] + list(root.rglob("*.preset")), [])

    def sandbox_of(self, unit: pathlib.Path):
        """What a child has to do before it executes: the unit's capabilities and filters, as systemd sets them."""
        units.FOLDER = pathlib.Path(self.folder.name)
        pathlib.Path(self.folder.name, "played.service").write_text(
            "".join(f"{name}={value}\n" for name in PLAYED for value in lines_of(unit, name)))
        played = units.Unit("played")
        kept = " ".join(lines_of(unit, "CapabilityBoundingSet")).split()

        def enter() -> None:
            keep_capabilities(kept)
            with_filter.enter(played)

        return enter

    def started(self, key: str) -> subprocess.CompletedProcess:
        lines = lines_of(self.plan, key)
        self.assertEqual(len(lines), 1)
        words = [word for word in shlex.split(lines[0]) if not word.startswith("$")]
        self.assertEqual(lines_of(self.plan, "CapabilityBoundingSet"), [""])
        return subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False,
                              preexec_fn=self.sandbox_of(self.plan), env={"PORTGUARD_CONFIG": str(self.configuration)})

    def done(self, key: str) -> str:
        answer = self.started(key)
        self.assertEqual((answer.returncode, answer.stderr), (0, ""), answer.stdout)
        return answer.stdout

    def configure(self, text: str) -> None:
        self.configuration.write_text(text)

    def test_the_plan_of_a_boot_is_in_force_until_it_is_stopped(self) -> None:
        self.configuration = pathlib.Path(self.folder.name, "portguard.conf")
        for name, value in (("ip_local_port_range", RANGE), ("ip_local_reserved_ports", "9000")):
            pathlib.Path("/proc/sys/net/ipv4", name).write_text(value)
        before = settings()
        folders = lines_of(self.plan, "RuntimeDirectory")
        self.assertEqual(folders, ["portguard"])
        pathlib.Path("/run/portguard").mkdir()
        self.configure("listen = 5000-14999\nephemeral = 15000-65000\n")

        self.done("ExecStart")
        self.assertEqual(settings(), {"ip_local_port_range": "15000 65000", "ip_local_reserved_ports": "9000"})
        self.assertIn("nothing to change", self.done("ExecReload"))
        self.configure("listen = 5000-19999\nephemeral = 20000-65001\n")
        self.done("ExecReload")
        self.assertEqual(settings()["ip_local_port_range"], "20000 65001")
        self.done("ExecStop")
        self.assertEqual(settings(), before)
        self.assertEqual(list(pathlib.Path("/run/portguard").iterdir()), [])

    def metrics_words(self, unit: pathlib.Path, **places: str) -> list[str]:
        line = lines_of(unit, "ExecStart")[0].replace("/var/lib/portguard", self.folder.name)
        for name, place in places.items():
            line = line.replace(f"${{{name}}}", place)
        return shlex.split(line)

    def test_the_metrics_are_written_from_within_the_sandbox(self) -> None:
        unit = self.units / "portguard-metrics.service"
        file = pathlib.Path(self.folder.name, "portguard.prom")
        with socket.create_server(("127.0.0.1", 0)):
            answer = subprocess.run(self.metrics_words(unit, TEXTFILE=str(file)), capture_output=True, text=True,
                                    timeout=SECONDS, check=False, preexec_fn=self.sandbox_of(unit))
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))
        self.assertRegex(file.read_text(), r'portguard_listeners\{[^}]*process="units_test[.]py"[^}]*\} 1\n')
        self.assertTrue(file.stat().st_mode & 0o004, "node_exporter runs as another user")

    def test_the_metrics_are_served_on_the_socket_of_the_unit(self) -> None:
        unit = self.units / "portguard-metrics-http.service"
        address = lines_of(self.units / "portguard-metrics-http.socket", "ListenStream")[0]
        host, _, port = address.rpartition(":")
        enter = self.sandbox_of(unit)
        with socket.create_server((host, int(port))) as server:
            def enter_with_socket() -> None:
                os.dup2(server.fileno(), 3)
                enter()

            # As sd_listen_fds(3) has it, the number is that of the process itself.
            words = ["/bin/sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh", *self.metrics_words(unit)]
            with subprocess.Popen(words, stdout=subprocess.PIPE, pass_fds=[3], preexec_fn=enter_with_socket) as serving:
                try:
                    with urllib.request.urlopen(f"http://{address}/metrics", timeout=SECONDS) as answer:
                        self.assertIn(b"portguard_listeners", answer.read())
                finally:
                    serving.terminate()

    def test_the_sandbox_is_in_force(self) -> None:
        """Else the one above would hold for nothing."""
        self.configuration = pathlib.Path("/dev/null")
        original = self.plan.read_text()
        probe = pathlib.Path(self.folder.name, "probe.py")
        probe.write_text("import socket\nprint(open('/proc/self/status').read())\nsocket.socket(socket.AF_UNIX)\n")
        try:
            self.plan.write_text(re.sub("ExecStart=.*", f"ExecStart=/usr/bin/python3 -S {probe}", original))
            answer = self.started("ExecStart")
        finally:
            self.plan.write_text(original)
        self.assertIn("CapEff:\t0000000000000000", answer.stdout)
        self.assertIn("Address family not supported", answer.stderr)


def main() -> int:
    global BUILD, CMAKE  # pylint: disable=global-statement
    BUILD, CMAKE = sys.argv[1:3]
    for line in (("mount", "--make-rprivate", "/"), ("mount", "-t", "tmpfs", "none", "/run")):
        if subprocess.run(line, check=False).returncode != 0:
            print("no mount namespace of its own")
            return SKIP
    return 0 if unittest.main(argv=sys.argv[:1], exit=False).result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
