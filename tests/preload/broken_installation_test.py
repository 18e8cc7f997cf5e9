#!/usr/bin/python3 -B
"""With an installation that is broken in any way programs start and end as without one, under glibc and under musl. The test
runs in a mount namespace and a network namespace.

broken_installation_test.py LIBRARY HELPER
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

LIBRARY, HELPER = "", ""
NOBODY = 65534
COMPILERS = {"glibc": "/usr/bin/gcc", "musl": "/usr/bin/musl-gcc"}
# Starts, waits until it may go on, meets its own listener, and ends with a status of its own.
PROGRAM = r"""
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
static int taken(int again) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(7001), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0) {
        return errno;
    }
    return listen(fd, 1) != 0 ? errno : again ? taken(0) : 0;
}
int main(void) {
    char byte;
    puts("started");
    fflush(stdout);
    if (read(0, &byte, 1) != 1) {
        return 1;
    }
    printf("errno %d\n", taken(1));
    return 7;
}
"""
PLAIN = (7, "started\nerrno 98\n")
REPORT = "bind tcp 127.0.0.1:7001: in use (EADDRINUSE)"
# What becomes of the folder before a program starts.
BEFORE = {
    "whole": lambda folder, _: None,
    "without helper": lambda folder, helper: helper.unlink(),
    "helper that nobody may execute": lambda folder, helper: helper.chmod(0o644),
    "helper that is empty": lambda folder, helper: helper.write_bytes(b""),
    "helper that is no program": lambda folder, helper: helper.write_bytes(b"\x7fELF no program\n" * 8),
    "helper that dies": lambda folder, helper: helper.write_text("#!/bin/sh\nkill -9 $$\n"),
    "helper that does not read": lambda folder, helper: helper.write_text("#!/bin/sh\nexit 3\n"),
    "helper that others may write": lambda folder, helper: helper.chmod(0o757),
    "folder of the helper that may not be entered":
        lambda folder, helper: None if helper.parent == folder else helper.parent.chmod(0o700),
    "mount that is read-only": lambda folder, _: mount(folder, "remount,ro"),
}
# With these the loader has no library, and says so on stderr if it is glibc's.
NOT_LOADED = {
    "without library": lambda folder, _: (folder / "libportguard.so").unlink(),
    "library that is empty": lambda folder, _: (folder / "libportguard.so").write_bytes(b""),
    "library of which the beginning is there": lambda folder, _: os.truncate(folder / "libportguard.so", 32),
    "library that is no library": lambda folder, _: (folder / "libportguard.so").write_bytes(b"no library\n" * 1000),
    "folder that may not be read": lambda folder, _: folder.chmod(0o700),
    "mount without exec": lambda folder, _: mount(folder, "remount,noexec"),
}
# Between the start and the call.
MEANWHILE = {
    "a mount that has lost exec": lambda folder, _: mount(folder, "remount,noexec"),
    "a helper that is gone": lambda folder, helper: helper.unlink(),
    "a library that is gone": lambda folder, _: (folder / "libportguard.so").unlink(),
    "another library": lambda folder, _: replace(folder / "libportguard.so"),
    "a folder that may no longer be read": lambda folder, _: folder.chmod(0o700),
    "nothing at all": lambda folder, helper: [path.unlink() for path in (folder / "libportguard.so", helper)],
}


def mount(folder: pathlib.Path, options: str) -> None:
    subprocess.run(["/usr/bin/mount", "--options", options, str(folder)], check=True)


def replace(library: pathlib.Path) -> None:
    library.rename(library.with_suffix(".old"))
    shutil.copy(library.with_suffix(".old"), library)


class Broken(unittest.TestCase):
    helper = "portguard/portguard-explain"

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.folder.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for libc, compiler in COMPILERS.items():
            subprocess.run([compiler, "-x", "c", "-", "-o", str(cls.folder / libc)], input=PROGRAM, text=True, check=True)

    def install(self) -> pathlib.Path:
        folder = self.folder / "installed"
        folder.mkdir()
        subprocess.run(["/usr/bin/mount", "--types", "tmpfs", "--options", "mode=755", "tmpfs", str(folder)], check=True)
        shutil.copy(LIBRARY, folder)
        (folder / self.helper).parent.mkdir(exist_ok=True)
        shutil.copy(HELPER, folder / self.helper)
        return folder

    def remove(self, folder: pathlib.Path) -> None:
        subprocess.run(["/usr/bin/umount", str(folder)], check=True)
        folder.rmdir()

    def run_program(self, libc: str, environment: dict[str, str], meanwhile=lambda: None) -> tuple[int, str, str]:
        with subprocess.Popen([str(self.folder / libc)], env=environment, text=True, stdin=subprocess.PIPE, bufsize=0,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, user=NOBODY, group=NOBODY,
                              extra_groups=[]) as process:
            started = process.stdout.readline()
            meanwhile()
            out, err = process.communicate("x", timeout=60)
            return process.returncode, started + out, err

    def guarded(self, folder: pathlib.Path, libc: str, meanwhile=lambda: None, **more: str) -> tuple[int, str, str]:
        environment = {"LD_PRELOAD": f"{folder}/libportguard.so", "PORTGUARD_CONFIG": "/dev/null",
                       "PORTGUARD_BUDGET_MS": "10000"}
        return self.run_program(libc, environment | more, meanwhile)

    def each(self, situations, check) -> None:
        for libc in COMPILERS:
            self.assertEqual(self.run_program(libc, {}), PLAIN + ("",))
            for name, change in situations.items():
                folder = self.install()
                with self.subTest(name, libc=libc):
                    check(libc, folder, change)
                self.remove(folder)

    def test_programs_run_as_without_and_a_report_is_a_line_at_least(self) -> None:
        def check(libc, folder, change) -> None:
            change(folder, folder / self.helper)
            *done, err = self.guarded(folder, libc)
            self.assertEqual(tuple(done), PLAIN, err)
            self.assertIn(REPORT, err)
        self.each(BEFORE, check)

    def test_a_whole_one_reports_in_full(self) -> None:
        def check(libc, folder, _) -> None:
            *done, err = self.guarded(folder, libc)
            self.assertEqual(tuple(done), PLAIN, err)
            self.assertNotIn("one line only", err)
            self.assertGreater(err.count("\n"), 1, err)
        self.each({"whole": None}, check)

    def test_what_the_loader_cannot_load_is_left_out(self) -> None:
        def check(libc, folder, change) -> None:
            change(folder, folder / self.helper)
            *done, err = self.guarded(folder, libc)
            self.assertEqual(tuple(done), PLAIN, err)
            self.assertNotIn("portguard: ", err)
            self.assertEqual(err.count("\n"), 1 if libc == "glibc" else 0, err)
        self.each(NOT_LOADED, check)

    def test_what_breaks_while_a_program_runs_costs_it_nothing(self) -> None:
        def check(libc, folder, change) -> None:
            *done, err = self.guarded(folder, libc, lambda: change(folder, folder / self.helper))
            self.assertEqual(tuple(done), PLAIN, err)
            self.assertIn(REPORT, err)
        self.each(MEANWHILE, check)

    def test_a_configuration_that_is_missing_is_one_sentence(self) -> None:
        def check(libc, folder, _) -> None:
            *done, err = self.guarded(folder, libc, PORTGUARD_CONFIG="/nowhere/portguard.conf")
            self.assertEqual(tuple(done), PLAIN, err)
            self.assertRegex(err, r"^portguard: PORTGUARD_CONFIG=/nowhere/portguard.conf [^\n]*inactive in this process\n$")
        self.each({"without configuration": None}, check)


class BrokenBeside(Broken):
    """The two files in one folder, as they are built."""

    helper = "portguard-explain"


if __name__ == "__main__":
    LIBRARY, HELPER = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
