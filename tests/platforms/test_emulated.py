"""test_emulated.py BUILD: what depends on the processor, of a build for another one, under qemu-user (under-qemu)."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import typing
import unittest

import library_checks

BUILD = ""


def run(*command: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, env=dict(os.environ, **environment), text=True, capture_output=True, check=False,
                          timeout=120)


def first_event(how: str) -> dict:
    """The event of a program under the shim that binds a port it has itself (frames_program.c)."""
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "log"
        done = run(f"{BUILD}/bin/portguard_frames_program", how, "10000", LD_PRELOAD=f"{BUILD}/lib/libportguard.so",
                   PORTGUARD_LOG=f"file:{log}", PORTGUARD_FORMAT="json", PORTGUARD_BUDGET_MS="10000",
                   PORTGUARD_CONFIG="/dev/null")
        if done.returncode != 0:
            raise AssertionError(f"{how}: status {done.returncode}, {done.stdout}{done.stderr}")
        return json.loads(log.read_text(encoding="utf-8").splitlines()[0])


def functions_in(event: dict) -> list[str]:
    return [frame["symbol"] for frame in event["stack"]]


class Emulated(unittest.TestCase):
    def test_a_stack_is_what_libunwind_finds_in_the_program(self) -> None:
        done = run(f"{BUILD}/bin/portguard_stripped_stack_tests")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("[  PASSED  ] 13 tests.", done.stdout)

    def test_a_report_names_the_functions_and_lines_that_asked(self) -> None:
        event = first_event("plain")
        self.assertEqual(functions_in(event)[:2], ["open_the_front_door", "main"], event)
        self.assertTrue(all(frame["line"] for frame in event["stack"][:2]), event)
        self.assertEqual((event["event"], event["errno"], event["port"]), ("in_use", "EADDRINUSE", 10000))

    def test_a_child_of_vfork_is_told_with_its_parents_frames(self) -> None:
        functions = functions_in(first_event("vfork"))
        self.assertEqual(functions[:3], ["open_the_front_door", "in_vfork_child", "main"])

    def test_what_qemu_does_not_serve_is_said_to_be_missing(self) -> None:
        # qemu-user has no netlink of sock_diag: who holds the port is not known, and not guessed.
        event = first_event("plain")
        self.assertEqual((event["cause"], event["holders"]), ("unknown", []), event)
        self.assertTrue(any("sockets" in part for part in event["missing"]), event)


class Library(library_checks.LibraryFile, unittest.TestCase):
    def setUp(self) -> None:
        self.library = pathlib.Path(BUILD, "lib/libportguard.so")


class Broken(library_checks.BrokenLibrary, unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.copy = pathlib.Path(folder.name, "copy")
        self.fill_copy(pathlib.Path(BUILD, "lib/libportguard.so"), pathlib.Path(BUILD, "lib/portguard-explain"))

    def run_in(self, without_rights: bool = False, **environment: str) -> subprocess.CompletedProcess:
        # env(1) of this machine's processor is not to load the library itself.
        words = ["/usr/bin/env", f"LD_PRELOAD={self.copy}/libportguard.so", f"{BUILD}/bin/port_program", "twice", "10007"]
        # Root of this namespace has no other user to become.
        before = ["/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all"] if without_rights else []
        return run(*before, *words, **({"PORTGUARD_CONFIG": "/dev/null", "PORTGUARD_LOG": "none"} | environment))

    def without_proc(self) -> typing.ContextManager[None]:
        return library_checks.undone(["mount", "--types", "tmpfs", "tmpfs", "/proc"], ["umount", "/proc"])


class BrokenBeside(Broken):
    """The two files in one folder, as who copies them has it."""

    helper = "portguard-explain"


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    unittest.main(verbosity=2)
