#!/usr/bin/python3 -B
"""The role of examples/ansible, played by Debian's ansible on a root of its own: an overlay over that of this machine, in a
mount namespace and a network namespace. What it would do is what it does, a second run changes nothing, and absent leaves
the bytes that were there before. No systemd runs there: units are enabled, not started.

ansible_test.py BUILD_FOLDER CMAKE ROLES
"""

import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
SKIP = 77
BUILD, CMAKE, ROLES = "", "", ""
SECONDS = 240
VERSION = "9.9"
RANGE = "32768 60999"
SETTINGS = ("ip_local_port_range", "ip_local_reserved_ports")
CONFIGURATION = "etc/portguard.conf"
# Of systemd's package, which makes it anew when a catalog comes or goes.
CATALOGS = "var/lib/systemd/catalog/database"
DROP_IN = "etc/systemd/system/{}.service.d/50-portguard.conf"
TIMER = "etc/systemd/system/timers.target.wants/portguard-metrics.timer"
# What package managers and Python remember of a run.
REMEMBERED = ("var/lib/dpkg/", "var/lib/apt/", "var/cache/apt/", "var/cache/debconf/", "var/log/", "root/.ansible/", "tmp/", CATALOGS)


def call(*words: str, **more) -> str:
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, timeout=SECONDS, **more).stdout


class Target:
    """The overlay; what is in its upper folder differs from this machine, or was written anew."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.upper, self.root = folder / "upper", folder / "root"
        for name in ("upper", "work", "root"):
            (folder / name).mkdir()
        call("mount", "--types", "overlay", "overlay", "--options",
             f"lowerdir=/,upperdir={self.upper},workdir={folder}/work", str(self.root))
        call("mount", "--types", "proc", "proc", str(self.root / "proc"))
        call("mount", "--bind", "/dev", str(self.root / "dev"))
        call("mount", "--types", "tmpfs", "tmpfs", str(self.root / "run"))

    def files(self) -> dict[str, str]:
        """Each that was written or removed, with mode, owner and content."""
        found = {}
        for path in sorted(self.upper.rglob("*")):
            name = str(path.relative_to(self.upper))
            status = path.lstat()
            if name.startswith(REMEMBERED) or "__pycache__" in name:
                continue
            if stat.S_ISCHR(status.st_mode):
                found[name] = "removed"
            elif stat.S_ISLNK(status.st_mode):
                found[name] = f"link to {os.readlink(path)}"
            elif stat.S_ISREG(status.st_mode):
                found[name] = f"{status.st_mode:o} {status.st_uid} {path.read_bytes()!r}"
            elif not pathlib.Path("/", name).is_dir():
                found[name] = f"{status.st_mode:o} folder"
        return found

    def text(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")


def settings() -> dict[str, str]:
    return {name: pathlib.Path("/proc/sys/net/ipv4", name).read_text().strip().replace("\t", " ") for name in SETTINGS}


def make_package(folder: pathlib.Path) -> str:
    """Of the tree that was built: CPack's has the same files, and takes longer."""
    staged = folder / "staged"
    (staged / "DEBIAN").mkdir(parents=True)
    call(CMAKE, "--install", BUILD, "--prefix", "/usr", "--strip", env=os.environ | {"DESTDIR": str(staged)})
    architecture = call("dpkg", "--print-architecture").strip()
    (staged / "DEBIAN/control").write_text(
        f"Package: portguard\nVersion: {VERSION}\nArchitecture: {architecture}\nMaintainer: a test <test@portguard.invalid>\n"
        "Description: of a test\n")
    name = folder / f"portguard_{VERSION}_{architecture}.deb"
    call("dpkg-deb", "-Znone", "--root-owner-group", "--build", str(staged), str(name))
    shutil.rmtree(staged)
    return str(name)


class Outcome:
    def __init__(self, answer: subprocess.CompletedProcess) -> None:
        self.answer = answer
        self.changed = []
        task = ""
        for line in answer.stdout.splitlines():
            title = re.match(r"(?:TASK|RUNNING HANDLER) \[(?:portguard : )?(.*)\]", line)
            task = title[1] if title else task
            if line.startswith("changed: ") and task not in self.changed:
                self.changed.append(task)

    def is_fine(self) -> bool:
        return self.answer.returncode == 0 and re.search(r"unreachable=0 +failed=0", self.answer.stdout) is not None


class AnsibleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        call("mount", "--types", "tmpfs", "tmpfs", str(cls.folder))
        cls.target = Target(cls.folder)
        cls.package = make_package(cls.folder)
        for name, value in zip(SETTINGS, (RANGE, "9000")):
            pathlib.Path("/proc/sys/net/ipv4", name).write_text(value)
        (cls.target.root / CONFIGURATION).write_text("# An administrator's.\nlevel = warn\n")
        # Or each installation brings the index of all man pages up to date.
        (cls.target.root / "var/lib/man-db/auto-update").unlink(missing_ok=True)

    @classmethod
    def tearDownClass(cls) -> None:
        call("umount", "--recursive", "--lazy", str(cls.folder))
        cls.folder.rmdir()

    def play(self, *, check: bool = False, **variables) -> Outcome:
        given = {"portguard_package": self.package, "portguard_listen": "5000-14999", "portguard_ephemeral": "15000-65000",
                 "portguard_services": [{"name": "redis-server", "restricts_families": True}, {"name": "web"}],
                 "portguard_metrics": True} | variables
        book = self.folder / "book.yml"
        book.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "roles": [{"role": "portguard", "vars": given}]}]))
        inventory = self.folder / "inventory"
        inventory.write_text(f"target ansible_host={self.target.root} ansible_connection=into_chroot "
                             "ansible_python_interpreter=/usr/bin/python3\n")
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8", "ANSIBLE_ROLES_PATH": ROLES,
                       "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "ansible"), "ANSIBLE_NOCOLOR": "1",
                       "ANSIBLE_PIPELINING": "1", "ANSIBLE_LOCAL_TEMP": str(self.folder / "local"),
                       "ANSIBLE_REMOTE_TMP": "/tmp/ansible", "PYTHONDONTWRITEBYTECODE": "1"}
        outcome = Outcome(subprocess.run(
            ["ansible-playbook", "--inventory", str(inventory), *(["--check"] if check else []), str(book)],
            env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False))
        self.assertTrue(outcome.is_fine(), outcome.answer.stdout + outcome.answer.stderr)
        return outcome

    def state(self) -> tuple[dict[str, str], dict[str, str]]:
        return self.target.files(), settings()

    def test_the_role_from_nothing_and_back(self) -> None:
        before = self.state()
        with self.subTest("check mode predicts and changes nothing"):
            self.assertIn("Write the configuration", self.play(check=True).changed)
            self.assertEqual(self.state(), before)

        with self.subTest("present"):
            self.play()
            self.assertEqual(settings(), {SETTINGS[0]: "15000 65000", SETTINGS[1]: "9000"})
            self.assertIn("listen = 5000-14999\n", self.target.text(CONFIGURATION))
            self.assertIn("AF_NETLINK", self.target.text(DROP_IN.format("redis-server")))
            self.assertNotIn("AF_NETLINK", self.target.text(DROP_IN.format("web")))
            library = self.target.text(DROP_IN.format("web")).partition("LD_PRELOAD=")[2].splitlines()[0]
            self.assertTrue((self.target.root / library.lstrip("/")).is_file(), library)
            self.assertTrue((self.target.root / TIMER).is_symlink())
            self.assertIn(b"the port is not in the plan", (self.target.root / CATALOGS).read_bytes())
        present = self.state()

        with self.subTest("a second run changes nothing, and is said to"):
            self.assertEqual(self.play(check=True).changed, [])
            self.assertEqual(self.play().changed, [])
            self.assertEqual(self.state(), present)

        with self.subTest("what check mode predicts is what is done"):
            other = {"portguard_ephemeral": "20000-65001", "portguard_services": [{"name": "web"}]}
            predicted = self.play(check=True, **other).changed
            self.assertEqual(self.state(), present)
            self.assertEqual(self.play(**other).changed, predicted)
            self.assertEqual(settings()[SETTINGS[0]], "20000 65001")
            self.assertFalse((self.target.root / DROP_IN.format("redis-server")).parent.exists())

        with self.subTest("absent restores what was there, byte for byte"):
            changed = self.state()
            predicted = self.play(check=True, portguard_state="absent").changed
            self.assertEqual(self.state(), changed)
            done = self.play(portguard_state="absent").changed
            self.assertEqual(sorted(set(done) - set(predicted)), ["Bring the configuration of before back"])
            self.assertEqual(self.state(), before)
            self.assertNotIn(b"the port is not in the plan", (self.target.root / CATALOGS).read_bytes())
            self.assertEqual(self.play(portguard_state="absent").changed, [])

    def test_the_role_is_as_the_linter_wants_it(self) -> None:
        examples = self.folder / "lint"
        shutil.copytree(pathlib.Path(ROLES).parent, examples)
        answer = subprocess.run(["ansible-lint", "--offline", "--strict", "--nocolor", "--profile=production", "site.yml",
                                 "roles/portguard"], cwd=examples, capture_output=True, text=True, timeout=SECONDS, check=False,
                                env=os.environ | {"HOME": str(self.folder)})
        self.assertEqual((answer.returncode, answer.stdout), (0, ""), answer.stderr)


def main() -> int:
    global BUILD, CMAKE, ROLES  # pylint: disable=global-statement
    BUILD, CMAKE, ROLES = sys.argv[1:4]
    if subprocess.run(("mount", "--make-rprivate", "/"), check=False).returncode != 0:
        print("no mount namespace of its own")
        return SKIP
    return 0 if unittest.main(argv=sys.argv[:1], exit=False).result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
