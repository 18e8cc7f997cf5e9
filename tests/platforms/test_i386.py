"""test_i386.py ROOT BUILD: programs of 32 bits, of 64, and of musl, under one guard. ROOT has both libraries in /opt/portguard, a tree
without that for 32 bits in /without, and the programs of port_program.c (i386); BUILD has tests for i386."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import typing
import unittest

import library_checks

ROOT, BUILD = "", ""
PORTGUARD = "/opt/portguard/bin/portguard"
LIBRARIES = "/opt/portguard/lib/i386-linux-gnu"
# What port_program prints as errno.
EADDRINUSE, UNTOUCHED = "98", "77"
PATH = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def inside(*command: str, user: int = 0, **environment: str) -> subprocess.CompletedProcess:
    words = ["chroot", f"--userspec={user}:{user}", ROOT, "/usr/bin/env", "-i",
             *(f"{name}={value}" for name, value in (PATH | environment).items())]
    return subprocess.run([*words, *command], text=True, capture_output=True, timeout=60, check=False)


def guarded(*command: str, portguard: str = PORTGUARD) -> subprocess.CompletedProcess:
    return inside(portguard, "run", "--log=file:/log", "--budget-ms=5000", "--", *command, PORTGUARD_CONFIG="/dev/null")


def events() -> list[dict]:
    log = pathlib.Path(ROOT, "log")
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


class Words(unittest.TestCase):
    def setUp(self) -> None:
        pathlib.Path(ROOT, "log").unlink(missing_ok=True)

    def assert_ran(self, done: subprocess.CompletedProcess, printed: str = EADDRINUSE) -> None:
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, printed + "\n", ""), done)

    def assert_told(self, count: int) -> None:
        told = events()
        self.assertEqual([event["event"] for event in told], ["in_use"] * count, told)
        self.assertEqual([event["missing"] for event in told], [[]] * count)


class Program(Words):
    def test_a_taken_port_is_told_in_full(self) -> None:
        self.assert_ran(guarded("/program32", "twice", "10000"))
        self.assert_told(1)
        event = events()[0]
        self.assertEqual((event["errno"], event["port"], event["holders"][0]["state"]), ("EADDRINUSE", 10000, "LISTEN"))
        self.assertEqual(event["cause"], "self", event)
        frames = [(frame["symbol"], pathlib.Path(frame["file"] or "").name) for frame in event["stack"]]
        self.assertEqual(frames[:3], [("open_the_front_door", "port_program.c"), ("twice", "port_program.c"),
                                      ("main", "port_program.c")], event["stack"])
        self.assertTrue(all(frame["line"] for frame in event["stack"][:3]))

    def test_a_server_restarts_over_its_own_time_wait_and_keeps_its_errno(self) -> None:
        self.assert_ran(guarded("/program32", "once", "10001"), UNTOUCHED)
        self.assertEqual(inside("/program32", "once", "10001").stdout, EADDRINUSE + "\n")
        self.assert_ran(guarded("/program32", "once", "10001"), UNTOUCHED)
        self.assertEqual({event["event"] for event in events()}, {"cured"})

    def test_a_static_one_is_refused(self) -> None:
        done = guarded("/static32", "twice", "10000")
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("'/static32' is statically linked", done.stderr)


class Mixed(Words):
    def test_each_word_size_guards_what_it_starts_of_the_other(self) -> None:
        for parent, child in (("/program64", "/program32"), ("/program32", "/program64")):
            with self.subTest(parent=parent):
                self.setUp()
                self.assert_ran(guarded(parent, "start", child, "twice", "10003"))
                self.assert_told(1)

    def test_musl_and_the_others_guard_each_other(self) -> None:
        for parent, child in (("/program-musl", "/program32"), ("/program-musl", "/program64"),
                              ("/program64", "/program-musl"), ("/program-musl", "/program-musl")):
            with self.subTest(parent=parent, child=child):
                self.setUp()
                self.assert_ran(guarded(parent, "start", child, "twice", "10004"))
                self.assert_told(1)

    def test_without_the_library_a_program_starts_in_silence_and_unguarded(self) -> None:
        without = "/without/bin/portguard"
        self.assert_ran(guarded("/program64", "start", "/program32", "twice", "10005", portguard=without))
        self.assertEqual(events(), [])
        done = guarded("/program32", "twice", "10005", portguard=without)
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("is a 32-bit i386 program and the guard is 64-bit x86-64", done.stderr)
        self.assert_ran(guarded("/program64", "twice", "10005", portguard=without))
        self.assert_told(1)

    def test_ci_counts_the_events_of_a_project_of_each(self) -> None:
        for program in ("/program32", "/program64", "/program-musl"):
            with self.subTest(program=program):
                # Phony: the tree is mounted in the root at its own path, which may begin with /check.
                pathlib.Path(ROOT, "Makefile").write_text(f".PHONY: check\ncheck:\n\t{program} twice 10006\n",
                                                          encoding="ascii")
                done = inside(PORTGUARD, "ci", "--json", "--", "/usr/bin/make", "-C", "/", "check",
                              PORTGUARD_CONFIG="/dev/null")
                answer = json.loads(done.stdout)
                self.assertEqual((done.returncode, answer["events"]), (0, 1), done)
                self.assertNotIn("portguard-explain", answer["coverage"])


class Biarch(Words):
    """Debian's libc6-i386 on x86-64, whose loader takes $LIB for lib32; the folder has nothing else but what these need."""

    def setUp(self) -> None:
        self.root = pathlib.Path(ROOT, "biarch")
        for tree in (PORTGUARD, "/without/bin/portguard"):
            folder = pathlib.Path(tree).parents[1]
            shutil.rmtree(f"{self.root}{folder}", ignore_errors=True)
            shutil.copytree(f"{ROOT}{folder}", f"{self.root}{folder}", symlinks=True)
        for name in ("dev/null", "no.conf"):
            (self.root / name).parent.mkdir(exist_ok=True)
            (self.root / name).write_bytes(b"")
        shutil.copy(ROOT + "/program32", self.root)
        (self.root / "log").unlink(missing_ok=True)
        (self.root / "proc").mkdir(exist_ok=True)
        subprocess.run(["mount", "--types", "proc", "proc", self.root / "proc"], check=True)
        self.addCleanup(subprocess.run, ["umount", self.root / "proc"], check=True)

    def run_in(self, *command: str, **environment: str) -> subprocess.CompletedProcess:
        # Not by chroot(8), for which LD_PRELOAD would be as well.
        return subprocess.run(command, text=True, capture_output=True, timeout=60, check=False, cwd=self.root,
                              preexec_fn=lambda: os.chroot("."), env={"PORTGUARD_CONFIG": "/no.conf"} | environment)

    def test_a_taken_port_is_told_in_full(self) -> None:
        self.assert_ran(self.run_in("/program32", "twice", "10008"))
        self.assert_ran(self.run_in(PORTGUARD, "run", "--log=file:/log", "--budget-ms=5000", "--", "/program32", "twice", "10008"))
        event = json.loads((self.root / "log").read_text(encoding="utf-8"))
        self.assertEqual((event["event"], event["cause"], event["missing"]), ("in_use", "self", []), event)
        self.assertEqual(event["stack"][0]["symbol"], "open_the_front_door", event)

    def test_without_the_library_for_i386_its_children_start_in_silence(self) -> None:
        # What a program of 64 bits hands on, of which there is none here.
        self.assert_ran(self.run_in("/program32", "twice", "10009", LD_PRELOAD="/without/lib/portguard/$LIB/libportguard.so"))


class Both(Words):
    """The library's calls are libc's on i386: their mark lies on the stack."""

    def guarded_by_both(self, *command: str) -> subprocess.CompletedProcess:
        return inside(PORTGUARD, "run", "--front-end=both", "--log=file:/log", "--budget-ms=5000", "--", *command,
                      PORTGUARD_CONFIG="/dev/null")

    def test_a_failure_is_told_once_and_by_the_library(self) -> None:
        self.assert_ran(self.guarded_by_both("/program32", "twice", "10008"))
        self.assert_told(1)
        self.assertEqual([frame["symbol"] for frame in events()[0]["stack"]][:3], ["open_the_front_door", "twice", "main"])

    def test_a_static_child_is_the_supervisor_s(self) -> None:
        self.assert_ran(self.guarded_by_both("/program32", "start", "/static32", "twice", "10009"))
        self.assertEqual([event["event"] for event in events()], ["in_use"])

    def test_a_server_restarts_over_its_own_time_wait(self) -> None:
        self.assert_ran(self.guarded_by_both("/program32", "once", "10010"), UNTOUCHED)
        self.assert_ran(self.guarded_by_both("/program32", "once", "10010"), UNTOUCHED)
        self.assertEqual([event["event"] for event in events()], ["cured"])


class Supervised(Words):
    """No library is in the program: whoever reads its stack is beside it, and of the other word size."""

    def frames_of(self, program: str, portguard: str = PORTGUARD) -> list[tuple]:
        """Names and lines from the one below libc's on."""
        done = inside(portguard, "run", "--front-end=supervisor", "--log=file:/log", "--budget-ms=5000", "--", program, "twice",
                      "10021", PORTGUARD_CONFIG="/dev/null")
        self.assert_ran(done)
        stack = [(frame["symbol"], pathlib.Path(frame["file"] or "").name, frame["line"]) for frame in events()[-1]["stack"]]
        return stack[1:4]

    def test_a_stack_is_the_one_of_the_same_program_of_64_bits(self) -> None:
        wanted = self.frames_of("/static64")
        self.assertEqual([name for name, *_ in wanted], ["open_the_front_door", "twice", "main"])
        for program in ("/static32", "/static32-framed", "/program32"):
            with self.subTest(program=program):
                self.assertEqual(self.frames_of(program), wanted)
        self.assert_told(4)

    def test_it_is_had_of_a_child_whose_parent_has_the_library(self) -> None:
        done = inside(PORTGUARD, "run", "--front-end=both", "--log=file:/log", "--budget-ms=5000", "--", "/program64", "start",
                      "/static32", "twice", "10022", PORTGUARD_CONFIG="/dev/null")
        self.assert_ran(done)
        self.assert_told(1)
        self.assertIn("open_the_front_door", [frame["symbol"] for frame in events()[0]["stack"]])

    def test_without_the_helper_for_it_a_report_says_so(self) -> None:
        self.assertEqual(self.frames_of("/static32", "/without/bin/portguard"), [])
        event = events()[0]
        self.assertEqual(event["missing"], ["the stack (of an i386 program: portguard-explain for i386 is not installed)"])
        self.assertEqual((event["cause"], event["holders"][0]["state"]), ("self", "LISTEN"))


class Broken(library_checks.BrokenLibrary, unittest.TestCase):
    def setUp(self) -> None:
        self.copy = pathlib.Path(ROOT, "copy")
        installed = pathlib.Path(ROOT + LIBRARIES)
        self.fill_copy(installed / "libportguard.so", installed / "portguard/portguard-explain")

    def run_in(self, without_rights: bool = False, **environment: str) -> subprocess.CompletedProcess:
        return inside("/program32", "twice", "10007", user=65534 if without_rights else 0,
                      **({"LD_PRELOAD": "/copy/libportguard.so", "PORTGUARD_CONFIG": "/dev/null", "PORTGUARD_LOG": "none"}
                         | environment))

    def without_proc(self) -> typing.ContextManager[None]:
        return library_checks.undone(["umount", ROOT + "/proc"], ["mount", "--types", "proc", "proc", ROOT + "/proc"])


class BrokenBeside(Broken):
    """The two files in one folder, as who copies them has it."""

    helper = "portguard-explain"


class Aligned(Words):
    """The library keeps its own stack to a multiple of 4 (calls_out.h), and each function of another library gets what the ABI
    promises: the object behind it ends the program otherwise."""

    def run_before_it(self, *command: str, **environment: str) -> None:
        done = inside(*command, LD_PRELOAD=f"{LIBRARIES}/libportguard.so /alignment.so", PORTGUARD_CONFIG="/dev/null",
                      PORTGUARD_LOG="none", **environment)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertRegex(done.stdout, r"^\d+\n$")

    def test_are_the_calls_of_one_that_fails(self) -> None:
        self.run_before_it("/program32", "twice", "10011")

    def test_are_the_calls_that_find_a_port(self) -> None:
        for method in ("auto", "socket", "bind"):
            with self.subTest(method=method):
                self.run_before_it("/program32", "once", "10012", PORTGUARD_LISTEN="10000-10999",
                                   PORTGUARD_EPHEMERAL="40000-40999", PORTGUARD_RANGE_METHOD=method)

    def test_are_the_calls_of_a_cure(self) -> None:
        for _ in range(2):
            self.run_before_it("/program32", "once", "10013")


class Remembered(Words):
    def test_is_where_a_port_was_taken(self) -> None:
        ring = pathlib.Path(ROOT, "ring")
        ring.unlink(missing_ok=True)
        done = inside("/program32", "once", "10014", LD_PRELOAD=f"{LIBRARIES}/libportguard.so", PORTGUARD_CONFIG="/dev/null",
                      PORTGUARD_REMEMBER="file:/ring")
        self.assert_ran(done, UNTOUCHED)
        self.assertIn(b"/program32", ring.read_bytes())


class UnitTests(unittest.TestCase):
    def test_they_pass(self) -> None:
        for name in ("portguard_unit_tests", "portguard_stripped_stack_tests"):
            with self.subTest(name=name):
                done = inside(f"{BUILD}/bin/{name}")
                self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr)
                self.assertRegex(done.stdout, r"\[  PASSED  \] [1-9]\d+ tests")


class Library(library_checks.LibraryFile, unittest.TestCase):
    def setUp(self) -> None:
        self.library = pathlib.Path(ROOT + LIBRARIES, "libportguard.so")

    def test_it_asks_for_no_version_of_glibc_after_2_17(self) -> None:
        text = library_checks.printed("readelf", "-VW", ROOT + LIBRARIES + "/libportguard.so")
        versions = {(int(major), int(minor)) for major, minor in re.findall(r"Name: GLIBC_(\d+)\.(\d+)", text)}
        self.assertLessEqual(max(versions), (2, 17))

    def test_it_needs_libc_and_nothing_else(self) -> None:
        text = library_checks.printed("readelf", "-dW", ROOT + LIBRARIES + "/libportguard.so")
        self.assertEqual(re.findall(r"NEEDED.*\[(.*)\]", text), ["libc.so.6"])
        self.assertNotIn("TEXTREL", text)


if __name__ == "__main__":
    ROOT, BUILD = sys.argv[1:3]
    del sys.argv[1:3]
    unittest.main(verbosity=2)
