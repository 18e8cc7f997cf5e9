#!/usr/bin/python3
"""How often the suites of examples/flaky/picks fail, without --lease and with it, each run in a network of its own.

flaky_picks.py RUNS PORTGUARD [python|node|java...]: a table. Exit 1: a run with --lease has failed.
"""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRIVATE_NET = ROOT / "tests/support/in-private-net"
SUITE = ROOT / "examples/flaky/picks/run"
ENVIRONMENT = os.environ | {"PORTGUARD_CONFIG": "/dev/null", "PORTGUARD_LOG": "none"}


def fails(command: list[str]) -> bool:
    done = subprocess.run([PRIVATE_NET, *command], env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
    said = done.stdout + done.stderr
    if done.returncode != 0 and "EADDRINUSE" not in said and "Address already in use" not in said:
        raise SystemExit(f"{command}: another failure than a taken port:\n{done.stdout}{done.stderr}")
    return done.returncode != 0


def main(runs: int, portguard: str, languages: list[str]) -> int:
    guarded = [os.path.abspath(portguard), "run", "--lease", "--"]
    with_lease = 0
    print("| suite | runs | failed | failed with `--lease` |\n|---|---|---|---|")
    for language in languages:
        plain = sum(fails([str(SUITE), language]) for _ in range(runs))
        leased = sum(fails([*guarded, str(SUITE), language]) for _ in range(runs))
        with_lease += leased
        print(f"| {language} | {runs} | {plain} | {leased} |", flush=True)
    return 1 if with_lease else 0


sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:] or ["python", "node", "java"]))
