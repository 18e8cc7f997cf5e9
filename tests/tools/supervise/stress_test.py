#!/usr/bin/python3 -B
"""Processes that end in every way while they wait for the supervisor (storm.c): each answer is the plan's, nothing hangs, and the
server keeps neither a descriptor nor memory.
usage: as in supervising.py; PORTGUARD_TEST_STRESS_SECONDS is the time (4), PORTGUARD_TEST_STRESS_SEED begins the random numbers"""

import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

from supervising import DEADLINE, PLAN, SERVER, Supervised, files_held, run_tests, supervised, supervisors_of, wait_until

SECONDS = float(os.environ.get("PORTGUARD_TEST_STRESS_SECONDS", "4"))
SEED = int(os.environ.get("PORTGUARD_TEST_STRESS_SEED", random.randrange(10**6)))
STORM = str(pathlib.Path(SERVER).with_name("storm"))
# Pages of the threads' stacks and heaps that were not touched before.
MOST_GROWTH_KIB = 256


def memory_kib(pid: int) -> int:
    return int(re.search(r"RssAnon:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))


class Storm(Supervised):
    def storm(self, *options: str) -> None:
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(supervised(STORM, str(SECONDS), str(SEED), options=[*PLAN, *options]),
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
            self.addCleanup(process.kill)
            before = self.measure(process)
            after = self.measure(process)
            self.assertEqual(process.communicate(timeout=DEADLINE), ("", None))
            errors.seek(0)
            self.assertEqual((process.returncode, errors.read()), (0, ""))
        for pid, (files, memory) in before.items():
            self.assertEqual(after[pid][0], files)
            self.assertLessEqual(after[pid][1] - memory, MOST_GROWTH_KIB, f"{before}, then {after}; seed {SEED}")

    def measure(self, process: subprocess.Popen) -> dict[int, tuple[int, int]]:
        """Of server and standby, while the storm waits for us."""
        line = process.stdout.readline()
        self.assertRegex(line, r"^[1-9]\d* ok, [1-9]\d* refused, \d+ in use, 0 wrong ", f"seed {SEED}")
        # Whoever has just been served may have ended before its descriptors were closed.
        wait_until(lambda: all(files_held(pid) == 4 for pid in supervisors_of(process.pid)),
                   "0 to 2 and the listener")
        found = {pid: (files_held(pid), memory_kib(pid)) for pid in supervisors_of(process.pid)}
        self.assertEqual(len(found), 2, found)
        print(line.strip(), *(f"{files} files and {memory} KiB" for files, memory in found.values()), sep="; ",
              file=sys.stderr)
        process.stdin.write("x")
        process.stdin.flush()
        return found

    def test_is_answered_and_leaves_nothing(self) -> None:
        self.storm("--log=none")

    def test_is_answered_and_leaves_nothing_where_all_is_explained(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.storm(f"--log=file:{folder}/log")
            self.assertGreater(pathlib.Path(folder, "log").read_text().count('"event":"refused"'), 0)


if __name__ == "__main__":
    run_tests()
