#!/usr/bin/python3 -B
"""`portguard enable --system` and `disable --system`, in a root of its own: an overlay over that of this machine, which is
thrown away. The test runs in a mount namespace and a network namespace.

system_wide_test.py COMMAND LIBRARY HELPER FOLDER_OF_LIBRARIES
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SKIP = 77
COMMAND, LIBRARY, HELPER, LIBDIR = "", "", "", ""
PRELOAD = "etc/ld.so.preload"
# Root's alone, as /usr would be.
PREFIX = "/opt/portguard"
PORTGUARD = f"{PREFIX}/bin/portguard"
ENTRY = f"{PREFIX}/$LIB/libportguard.so\n"
MUSL_PROGRAM = "/opt/musl-program"
NOBODY = 65534
# Each stops or changes every program that loads it, as an upgrade gone wrong could.
BROKEN = {
    "is no library": None,
    "needs what no libc has": "void nowhere(void); __attribute__((constructor)) static void start(void) { nowhere(); }",
    "aborts": "void abort(void); __attribute__((constructor)) static void start(void) { abort(); }",
    "ends the program": "void _exit(int); __attribute__((constructor)) static void start(void) { _exit(0); }",
    "writes to stderr": "long write(int, const void*, unsigned long);"
                        "__attribute__((constructor)) static void start(void) { write(2, \"noise\\n\", 6); }",
}
# One that only the new file at its real place makes say something.
OTHER_LOADER = """#!/bin/sh
echo another libc
while read -r entry; do echo "cannot load $entry" >&2; done </etc/ld.so.preload
"""


def call(*words: str) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def make_root(folder: pathlib.Path) -> pathlib.Path:
    call("mount", "--types", "tmpfs", "tmpfs", str(folder))
    root = folder / "root"
    for name in ("upper", "work", "root"):
        (folder / name).mkdir()
    call("mount", "--types", "overlay", "overlay", "--options",
         f"lowerdir=/,upperdir={folder}/upper,workdir={folder}/work", str(root))
    call("mount", "--types", "proc", "proc", str(root / "proc"))
    call("mount", "--bind", "/dev", str(root / "dev"))
    for source, folder_in_prefix in ((COMMAND, "bin"), (LIBRARY, LIBDIR), (HELPER, f"{LIBDIR}/portguard")):
        call("install", "-D", "--target-directory", f"{root}{PREFIX}/{folder_in_prefix}", source)
    # What this machine has beside is none of the test's: a configuration, and a libc of another word size.
    others = [path.relative_to(root) for path in root.glob("lib*/ld-linux*.so.*") if "x86-64" not in path.name]
    for name in (PRELOAD, "etc/portguard.conf", *others):
        (root / name).unlink(missing_ok=True)
    return root


class SystemWide(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = make_root(pathlib.Path(folder.name))
        self.addCleanup(call, "umount", "--recursive", folder.name)
        self.library = pathlib.Path(f"{self.root}{PREFIX}/{LIBDIR}/libportguard.so")
        self.preload = self.root / PRELOAD

    def inside(self, *words: str, before: tuple = ()) -> subprocess.CompletedProcess:
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        return subprocess.run([*before, "/usr/sbin/chroot", str(self.root), *words], env=environment, text=True,
                              capture_output=True, check=False, timeout=120)

    def portguard(self, *words: str, before: tuple = ()) -> subprocess.CompletedProcess:
        return self.inside(PORTGUARD, *words, before=before)

    def enable(self) -> None:
        done = self.portguard("enable", "--system")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertEqual(self.preload.read_text(encoding="ascii"), ENTRY)

    def assert_refused(self, done: subprocess.CompletedProcess, *parts: str, status: int = 1) -> None:
        self.assertEqual((done.returncode, done.stdout), (status, ""), done)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr)

    def left_in_etc(self) -> list[str]:
        return sorted(path.name for path in (self.root / "etc").glob("ld.so.preload*"))

    def break_library(self, source: str | None) -> None:
        self.library.unlink()
        if source is None:
            self.library.write_text("no library\n", encoding="ascii")
        else:
            subprocess.run(["/usr/bin/gcc", "-shared", "-fPIC", "-nostdlib", "-x", "c", "-", "-o", str(self.library)],
                           input=source, text=True, check=True)

    def test_every_program_has_it_and_behaves_as_before(self) -> None:
        musl = f"{self.root}{MUSL_PROGRAM}"
        subprocess.run(["/usr/bin/musl-gcc", "-x", "c", "-", "-o", musl], text=True, check=True,
                       input='#include <stdio.h>\nint main(void) { return puts("musl") < 0; }')
        programs = (["/bin/bash", "-c", "echo $0"], ["/usr/bin/python3", "-c", "print(1)"], ["/bin/ls", "/"],
                    [MUSL_PROGRAM], [PORTGUARD, "config"])
        before = [self.inside(*words) for words in programs]
        done = self.portguard("enable", "--system")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        for part in ("/bin/sh, /bin/sh as user 65534, /usr/bin/python3", "/ld-linux", "/ld-musl", "no listen",
                     "there is no /etc/portguard.conf", f"{PORTGUARD} disable --system"):
            self.assertIn(part, done.stdout)
        self.assertEqual(self.preload.read_text(encoding="ascii"), ENTRY)
        self.assertEqual(self.preload.stat().st_mode & 0o7777, 0o644)
        self.assertEqual(self.left_in_etc(), ["ld.so.preload"])
        after = [self.inside(*words) for words in programs]
        for one, other in zip(before, after):
            self.assertEqual((one.returncode, one.stdout, one.stderr), (other.returncode, other.stdout, other.stderr))
            self.assertEqual(one.returncode, 0, one)
        for program in (["/bin/sh", "-c", "exec /bin/cat /proc/self/maps"],
                        ["/usr/bin/python3", "-c", "print(open('/proc/self/maps').read())"]):
            self.assertIn(f"{PREFIX}/{LIBDIR}/libportguard.so", self.inside(*program).stdout)

    def test_given_again_it_changes_nothing(self) -> None:
        self.enable()
        before = self.preload.stat()
        done = self.portguard("enable", "--system")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertIn("was there already", done.stdout)
        self.assertEqual((before.st_ino, before.st_mtime_ns), (self.preload.stat().st_ino, self.preload.stat().st_mtime_ns))

    def test_a_dry_run_tries_and_writes_nothing(self) -> None:
        done = self.portguard("enable", "--system", "--dry-run")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertIn("could be added", done.stdout)
        self.assertEqual(self.left_in_etc(), [])

    def test_other_lines_stay_and_disable_takes_out_ours(self) -> None:
        others = f"# of the administrator\n/usr/lib/{pathlib.Path(LIBDIR).name}/libm.so.6 # kept\n"
        self.preload.write_text(others, encoding="ascii")
        done = self.portguard("enable", "--system")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertEqual(self.preload.read_text(encoding="ascii"), ENTRY + others)
        done = self.portguard("disable", "--system")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertEqual(self.preload.read_text(encoding="ascii"), others)
        self.assertIn("portguard is not in it", self.portguard("disable", "--system").stdout)
        self.assertEqual(self.preload.read_text(encoding="ascii"), others)

    def test_disable_removes_a_file_that_was_ours(self) -> None:
        self.enable()
        done = self.portguard("disable", "--system")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertEqual(self.left_in_etc(), [])

    def test_a_broken_library_is_refused_and_the_file_stays(self) -> None:
        for text in (None, "# of the administrator\n"):
            for kind, source in BROKEN.items():
                self.break_library(source)
                if text is not None:
                    self.preload.write_text(text, encoding="ascii")
                with self.subTest(kind, text=text):
                    self.assert_refused(self.portguard("enable", "--system"), "'/bin/sh'", "/etc/ld.so.preload is as it was")
                    self.assertEqual(self.left_in_etc(), [] if text is None else ["ld.so.preload"])
                    if text is not None:
                        self.assertEqual(self.preload.read_text(encoding="ascii"), text)

    def test_disable_works_where_no_other_program_starts(self) -> None:
        for kind in ("needs what no libc has", "aborts", "ends the program"):
            with self.subTest(kind):
                self.preload.write_text(ENTRY, encoding="ascii")
                self.break_library(BROKEN[kind])
                self.assertNotEqual(self.inside("/bin/sh", "-c", "echo up").stdout, "up\n")
                self.assert_refused(self.portguard("enable", "--system"), f"`{PORTGUARD} disable --system`")
                self.assertEqual(self.preload.read_text(encoding="ascii"), ENTRY)
                done = self.portguard("disable", "--system")
                self.assertEqual((done.returncode, done.stderr), (0, ""), done)
                self.assertEqual(self.inside("/bin/sh", "-c", "echo up").stdout, "up\n")

    def test_disable_needs_no_library(self) -> None:
        self.enable()
        self.library.unlink()
        self.assertEqual(self.portguard("disable", "--system").returncode, 0)
        self.assertEqual(self.left_in_etc(), [])
        self.assert_refused(self.portguard("enable", "--system"), "is missing", status=3)

    def test_each_libc_of_the_machine_has_its_say(self) -> None:
        other = self.root / "opt/other"
        other.mkdir(parents=True)
        (other / "libc.so.6").write_text("", encoding="ascii")
        (other / "ld-other.so.1").write_text(OTHER_LOADER, encoding="ascii")
        (other / "ld-other.so.1").chmod(0o755)
        (self.root / "lib64/ld-other.so.1").symlink_to("/opt/other/ld-other.so.1")
        self.assert_refused(self.portguard("enable", "--system"), "'/lib64/ld-other.so.1'", f"cannot load {PREFIX}/$LIB/",
                            "no libportguard.so lies where $LIB points")
        self.assertEqual(self.left_in_etc(), [])

    def test_without_a_mount_namespace_it_says_what_stood_in(self) -> None:
        kept = ("/usr/bin/setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
        done = self.portguard("enable", "--system", before=kept)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertIn("by LD_PRELOAD, since no mount namespace can be had", done.stdout)
        self.assertEqual(self.preload.read_text(encoding="ascii"), ENTRY)
        self.preload.unlink()
        self.break_library(BROKEN["aborts"])
        self.assert_refused(self.portguard("enable", "--system", before=kept), "signal 6")
        self.assertEqual(self.left_in_etc(), [])

    def test_a_library_that_others_may_replace_is_refused(self) -> None:
        for path, mode in ((self.library, 0o666), (self.library.parent, 0o777)):
            before = path.stat().st_mode & 0o7777
            path.chmod(mode)
            self.assert_refused(self.portguard("enable", "--system"), "is not root's alone")
            path.chmod(before)
        os.chown(self.library, NOBODY, 0)
        self.assert_refused(self.portguard("enable", "--system"), "is not root's alone")

    def test_it_works_as_root_alone(self) -> None:
        user = ("/usr/bin/setpriv", f"--reuid={NOBODY}", "--clear-groups", "--inh-caps=-all")
        script = ["/usr/sbin/chroot", str(self.root), *user, PORTGUARD]
        for word in ("enable", "disable"):
            self.preload.write_text(ENTRY, encoding="ascii")
            done = subprocess.run([*script, word, "--system"], text=True, capture_output=True, check=False, timeout=60)
            self.assert_refused(done, "it works as root")
            self.assertEqual(self.preload.read_text(encoding="ascii"), ENTRY)

    def test_the_configuration_is_the_one_that_every_program_reads(self) -> None:
        config = self.root / "etc/portguard.conf"
        config.write_text("listen = 5000-14999\nmode = observe\nlog = journal\n", encoding="ascii")
        done = self.portguard("enable", "--system", "--dry-run")
        self.assertIn("mode=observe, listen=5000-14999; log=journal; from /etc/portguard.conf\n", done.stdout)
        config.write_text("mode = loud\n", encoding="ascii")
        self.assert_refused(self.portguard("enable", "--system"), "/etc/portguard.conf:1", status=2)
        # Each program of another user would complain.
        config.write_text("mode = observe\n", encoding="ascii")
        config.chmod(0o600)
        self.assert_refused(self.portguard("enable", "--system"), "'/bin/sh as user 65534'", "/etc/portguard.conf")
        self.assertEqual(self.left_in_etc(), [])

    def test_what_it_is_about_has_to_be_said(self) -> None:
        for word in ("enable", "disable"):
            self.assert_refused(self.portguard(word), f"`portguard {word} --system`", status=2)


def main() -> None:
    global COMMAND, LIBRARY, HELPER, LIBDIR
    COMMAND, LIBRARY, HELPER, LIBDIR = sys.argv[1:5]
    with tempfile.TemporaryDirectory() as folder:
        try:
            make_root(pathlib.Path(folder))
        except (subprocess.CalledProcessError, OSError) as error:
            print(f"no overlay over this machine's root can be had: {error}")
            sys.exit(1 if os.environ.get("PORTGUARD_TEST_NO_SKIP") == "1" else SKIP)
        finally:
            subprocess.run(["umount", "--recursive", folder], check=False, stderr=subprocess.DEVNULL)
    unittest.main(argv=sys.argv[:1] + sys.argv[5:], verbosity=2)


main()
