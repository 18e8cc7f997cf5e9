#!/usr/bin/python3
"""Runs examples/flaky until it fails: the first failing run must name both sides.

flaky_suite_names_test.py RUN PORTGUARD
"""

import os
import re
import subprocess
import sys
import tempfile

# At one in ten, all of them pass once in 37,000 times.
MOST_RUNS = 100
# A test that has ended before the other one's report is made is named no more: each is given longer where that happens.
PATIENCE = (0.25, 1, 4)


def wrapped_run(command: list[str], seconds: float) -> subprocess.CompletedProcess:
    # On a busy machine 200 ms are over before the holder is found.
    environment = os.environ | {
        "PORTGUARD_CONFIG": "/dev/null", "PORTGUARD_BUDGET_MS": "10000", "TEST_SECONDS": str(seconds)
    }
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def first_failing_run(command: list[str], seconds: float) -> subprocess.CompletedProcess:
    for _ in range(MOST_RUNS):
        done = wrapped_run(command, seconds)
        if done.returncode != 0:
            return done
        assert "portguard: no failure in 0 events\n" in done.stderr, done.stderr
    raise SystemExit(f"none of {MOST_RUNS} runs failed")


def main(run: str, portguard: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for seconds in PATIENCE:
            log = f"{folder}/ports-{seconds}.log"
            done = first_failing_run([portguard, "ci", f"--log=file:{log}", "--", run], seconds)
            assert done.returncode == 1, done.stderr
            assert f"portguard repro {log} --event 1" in done.stderr, done.stderr
            sides = re.findall(
                r"^ {2}(asked|held) .*\n(?: {11}.*\n)*? {13}python3 -B (test_\w+)\.py$", done.stderr, re.M
            )
            if {test for _, test in sides} == {"test_login", "test_upload"} and len(sides) == 2:
                return
        raise SystemExit("not both sides are named:\n" + done.stderr)


main(*sys.argv[1:])
