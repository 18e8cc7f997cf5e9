"""What holds of the library for every processor: test_i386.py and test_emulated.py say how a program of theirs is run."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import typing

EADDRINUSE = "98"
LARGEST_CODE = 65536


def printed(*command: str) -> str:
    return subprocess.run(command, text=True, capture_output=True, check=True).stdout


def sections(library: pathlib.Path) -> dict[str, tuple[int, int, str]]:
    """Address, size and flags by name."""
    found = re.findall(r"\] (\.\S+) +\S+ +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+) [0-9a-f]+ +([A-Z]*) ",
                       printed("readelf", "-SW", str(library)))
    return {name: (int(address, 16), int(size, 16), flags) for name, address, size, flags in found}


class LibraryFile:
    """Beside unittest.TestCase."""

    library: pathlib.Path

    def test_its_whole_code_is_64_KiB_at_most(self) -> None:
        code = {name: size for name, (_, size, flags) in sections(self.library).items() if "X" in flags}
        self.assertIn(".text.failing", code)
        self.assertGreater(sum(code.values()), LARGEST_CODE // 2, code)
        self.assertLessEqual(sum(code.values()), LARGEST_CODE, code)

    def test_what_a_start_needs_of_it_is_64_KiB(self) -> None:
        found = sections(self.library)
        address, size, _ = found[".rodata"]
        self.assertLessEqual(address + size, LARGEST_CODE)
        self.assertLessEqual(found[".text.failing"][0], LARGEST_CODE)


class BrokenLibrary:
    """A program starts, and does what it does without us. Beside unittest.TestCase."""

    # Beside the library.
    helper = "portguard/portguard-explain"
    # For a test: a copy of the library and its helper, which is in the first of its two places.
    copy: pathlib.Path

    def run_in(self, without_rights: bool = False, **environment: str) -> subprocess.CompletedProcess:
        """A program that prints the errno of binding a port twice, with the library of `copy` before it."""
        raise NotImplementedError

    def without_proc(self) -> typing.ContextManager[None]:
        raise NotImplementedError

    def fill_copy(self, library: pathlib.Path, helper: pathlib.Path) -> None:
        shutil.rmtree(self.copy, ignore_errors=True)
        (self.copy / self.helper).parent.mkdir(parents=True)
        shutil.copy(library, self.copy / "libportguard.so")
        shutil.copy(helper, self.copy / self.helper)
        self.copy.chmod(0o755)

    def assert_as_without(self, done: subprocess.CompletedProcess) -> None:
        self.assertEqual((done.returncode, done.stdout), (0, EADDRINUSE + "\n"), done)

    def test_with_all_of_it(self) -> None:
        done = self.run_in(PORTGUARD_LOG="stderr", PORTGUARD_BUDGET_MS="10000")
        self.assert_as_without(done)
        self.assertNotIn("one line only", done.stderr)
        self.assertGreater(done.stderr.count("\n"), 1, done)

    def test_without_its_helper(self) -> None:
        (self.copy / self.helper).unlink()
        done = self.run_in(PORTGUARD_LOG="stderr")
        self.assert_as_without(done)
        self.assertIn("portguard-explain is not beside the library", done.stderr)

    def test_with_a_helper_of_the_wrong_kind(self) -> None:
        (self.copy / self.helper).write_bytes(b"\x7fELF\x01\x01\x01")
        self.assert_as_without(self.run_in())

    def test_in_a_folder_that_the_user_may_not_enter(self) -> None:
        self.copy.chmod(0)
        self.addCleanup(self.copy.chmod, 0o755)
        done = self.run_in(without_rights=True, PORTGUARD_LOG="stderr")
        self.assert_as_without(done)
        self.assertNotRegex(done.stderr, r"(?m)^portguard: ")

    def test_where_nothing_may_be_executed(self) -> None:
        subprocess.run(["mount", "--bind", self.copy, self.copy], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,bind,noexec", self.copy], check=True)
            self.assert_as_without(self.run_in())
        finally:
            subprocess.run(["umount", self.copy], check=True)

    def test_with_an_empty_library(self) -> None:
        (self.copy / "libportguard.so").write_bytes(b"")
        self.assert_as_without(self.run_in())

    def test_with_a_library_of_another_processor(self) -> None:
        shutil.copy(os.path.realpath("/lib64/ld-linux-x86-64.so.2"), self.copy / "libportguard.so")
        self.assert_as_without(self.run_in())

    def test_without_its_configuration(self) -> None:
        self.assert_as_without(self.run_in(PORTGUARD_CONFIG="/nowhere/portguard.conf"))

    def test_with_a_configuration_that_is_a_folder(self) -> None:
        self.assert_as_without(self.run_in(PORTGUARD_CONFIG="/proc"))

    def test_without_proc(self) -> None:
        with self.without_proc():
            self.assert_as_without(self.run_in())


@contextlib.contextmanager
def undone(do: list[str], undo: list[str]) -> typing.Iterator[None]:
    subprocess.run(do, check=True)
    try:
        yield
    finally:
        subprocess.run(undo, check=True)
