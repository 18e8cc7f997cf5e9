#!/usr/bin/python3
"""Runs examples/flaky until it fails: the first failing run must name both sides.

flaky_suite_test.py RUN PORTGUARD
"""

import os
import re
import subprocess
import sys
import tempfile

# At one in ten, all of them pass once in 37,000 times.
MOST_RUNS = 100


def wrapped_run(command: list[str]) -> subprocess.CompletedProcess:
    # On a busy machine 200 ms are over before the holder is found.
    environment = os.environ | {"PORTGUARD_CONFIG": "/dev/null", "PORTGUARD_BUDGET_MS": "10000"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def main(run: str, portguard: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = folder + "/ports.log"
        for number in range(1, MOST_RUNS + 1):
            done = wrapped_run([portguard, "ci", f"--log=file:{log}", "--", run])
            if done.returncode != 0:
                break
            assert "portguard: no failure in 0 events\n" in done.stderr, done.stderr
        else:
            raise SystemExit(f"none of {MOST_RUNS} runs failed")
        assert done.returncode == 1, done.stderr
        sides = re.findall(r"^ {2}(asked|held) .*\n(?: {11}.*\n)*? {13}python3 -B (test_\w+)\.py$", done.stderr, re.M)
        assert len(sides) == 2 and {test for _, test in sides} == {"test_login", "test_upload"}, done.stderr
        assert f"portguard repro {log} --event 1" in done.stderr, done.stderr
        print(f"run {number} failed, and both tests are named")


main(*sys.argv[1:])
