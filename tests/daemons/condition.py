"""A server once without the guard and once under it, each in a network of its own."""

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "apps"))
BUILD = pathlib.Path(os.environ["PORTGUARD_TEST_BUILD"])
os.environ["PORTGUARD_TEST_COMMAND"] = str(BUILD / "bin/portguard")

import harness  # pylint: disable=wrong-import-position

PORT = 8000
LOUD = "(refused|in use|exhausted|not available)"


class ConditionTest(harness.AppTest):
    def start_twice(self, command: list[str], options: list[str], judge) -> None:
        """Without us, as the measure, and under the guard; each in a network of its own."""
        for how, options_of_how in (("without", None), ("guarded", options)):
            with self.subTest(how):
                harness.enter_new_network()
                process = self.start(command if options_of_how is None else harness.guarded(command, options_of_how))
                judge(process)
                process.kill()

    def write(self, name: str, text: str) -> str:
        path = pathlib.Path(self.folder, name)
        path.write_text(text)
        return str(path)

    def await_listener(self, process: harness.Process, port: int) -> None:
        harness.wait_until(lambda: harness.listeners(port) or process.ended(), f"a listener on {port}", process)

    def assert_quiet(self, process: harness.Process) -> None:
        """At most one line, and that no failure."""
        lines = process.guard_lines()
        self.assertLessEqual(len(lines), 1, lines)
        self.assertNotRegex("".join(lines), LOUD)
