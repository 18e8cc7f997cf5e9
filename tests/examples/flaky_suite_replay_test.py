#!/usr/bin/python3
"""A failure of examples/flaky, made again: it fails ten times out of ten, and with the cure that the event proposes,
another port, it passes a hundred times out of a hundred.

flaky_suite_replay_test.py RUN PORTGUARD
"""

import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile

# At one in ten, all of them pass once in 37,000 times.
MOST_RUNS = 100
FAILURES = 10
PASSES = 100
AT_ONCE = 10


def portguard(command: list[str], **variables: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PORTGUARD_CONFIG": "/dev/null"} | variables
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def record_failure(run: str, command: str, log: str) -> None:
    for _ in range(MOST_RUNS):
        if portguard([command, "ci", f"--log=file:{log}", "--", run]).returncode != 0:
            return
    raise SystemExit(f"none of {MOST_RUNS} runs failed")


def replays(count: int, command: str, log: str, **variables: str):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        words = [command, "repro", "--json", "--for=1m", "--event=1", log]
        for done in pool.map(lambda _: portguard(words, **variables), range(count)):
            assert done.stdout, done.stderr
            yield done, json.loads(done.stdout)["replays"][0]


def main(run: str, command: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = folder + "/ports.log"
        record_failure(run, command, log)
        with open(log, encoding="utf-8") as file:
            cures = json.loads(file.readline())["cures"]
        assert any("another port" in cure["command"] for cure in cures), cures
        for done, replay in replays(FAILURES, command, log):
            assert done.returncode == 0, done
            assert replay["program"]["errno"] == "EADDRINUSE" and replay["program"]["exit_status"] != 0, done
        for done, replay in replays(PASSES, command, log, TEST_PORT="18081"):
            assert replay["errno"] == "EADDRINUSE", done
            assert replay["program"]["errno"] is None and replay["program"]["exit_status"] == 0, done
    print(f"{FAILURES} of {FAILURES} failed, and with another port {PASSES} of {PASSES} passed")


main(*sys.argv[1:])
