#!/usr/bin/python3
"""Builds conditions, asks a guarded program's report of each, judges the cause and does what every cure says.

audit.py [--seed N] [--seconds N] [--conditions N] [--jobs N] [--only PATTERN] [--verbose] BUILD

BUILD has bin/portguard and lib/libportguard.so. Needs root, iproute2, procps and util-linux. Exit status: 0 every cause is right
and every cure led to a bind, or is listed in known.txt; 1 not; 77 namespaces cannot be made here.
"""

import argparse
import collections
import fnmatch
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import conditions
import cures
import judge
from asking import ask
from stage import NotBuilt, Stage, enter_namespaces

HERE = os.path.dirname(os.path.abspath(__file__))
STAGE_S = 60
NO_NAMESPACES = 77


def in_namespaces(work) -> dict:
    """What `work` returns, called in namespaces of its own; all that it started ends with it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setpgid(0, 0)
            enter_namespaces()
            result = work()
        except NotBuilt as why:
            result = {"not_built": str(why)}
        except (OSError, RuntimeError, KeyError, ValueError, subprocess.SubprocessError) as error:
            result = {"error": repr(error)}
        os.write(writing, json.dumps(result).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as result:
        if not select.select([result], [], [], STAGE_S)[0]:
            os.killpg(child, signal.SIGKILL)
        text = result.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {"error": "it did not end"}


def ask_in_stage(folder: str, condition: conditions.Condition):
    stage = Stage(folder, condition)
    stage.build()
    answer = ask(stage, condition)
    stage.pids = stage.holder_pids()
    return stage, answer


def shape(text: str) -> str:
    return re.sub(r"\d+", "N", text)


def first_look(folder: str, condition: conditions.Condition) -> dict:
    _, answer = ask_in_stage(folder, condition)
    event = answer.event()
    cures_of_event = event["cures"] if event else []
    return {"faults": judge.faults(condition, answer), "reported": event is not None,
            "cause": event["cause"] if event else None, "cures": [cure["command"] for cure in cures_of_event]}


def one_cure(folder: str, condition: conditions.Condition, index: int, text: str) -> dict:
    stage, answer = ask_in_stage(folder, condition)
    event = answer.event()
    cure = event["cures"][index] if event and index < len(event["cures"]) else None
    if cure is None or shape(cure["command"]) != shape(text):
        return {"fault": "the same condition was cured otherwise the second time"}
    return {"fault": cures.try_cure(stage, condition, cure, event)}


def audit(folder: str, condition: conditions.Condition) -> dict:
    result = in_namespaces(lambda: first_look(folder, condition))
    result.update(name=condition.name(), tried=0)
    result.setdefault("faults", [result["error"]] if "error" in result else [])
    for index, text in enumerate(result.get("cures", [])):
        tried = in_namespaces(lambda at=index, command=text: one_cure(folder, condition, at, command))
        fault = tried.get("fault", tried.get("error", tried.get("not_built")))
        result["tried"] += 1
        if fault:
            result["faults"].append(f"cure `{text}`: {fault}")
    return result


def copy_of(build: str) -> str:
    """Where every user may read it; a second name for endpoint.py, so that two programs differ."""
    folder = tempfile.mkdtemp(prefix="portguard-audit-")
    os.chmod(folder, 0o755)
    for part in ("bin/portguard", "lib/libportguard.so", "lib/portguard-explain"):
        os.makedirs(os.path.dirname(f"{folder}/{part}"), exist_ok=True)
        shutil.copy(f"{build}/{part}", f"{folder}/{part}")
    for name in ("endpoint.py", "server.py"):
        shutil.copy(f"{HERE}/endpoint.py", f"{folder}/{name}")
    return folder


def known_defects() -> list[tuple[str, str, str]]:
    with open(f"{HERE}/known.txt", encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    return [tuple(part.strip() for part in line.split(" | ", 2)) for line in lines]


class Totals:
    def __init__(self, is_verbose: bool):
        self.counts = collections.Counter()
        self.unexpected = collections.Counter()
        self.examples: dict[str, str] = {}
        self.known = known_defects()
        self.is_verbose = is_verbose

    def add(self, result: dict) -> None:
        self.counts["conditions"] += 1
        self.counts["cures tried"] += result["tried"]
        self.counts["not to be had here"] += "not_built" in result
        self.counts["reports"] += result.get("reported", False)
        for fault in result["faults"]:
            if any(fnmatch.fnmatchcase(result["name"], where) and fnmatch.fnmatchcase(fault, what)
                   for where, what, _ in self.known):
                self.counts["known defects met"] += 1
                continue
            self.counts["defects"] += 1
            key = result["name"].split("/")[0] + ": " + shape(fault)
            self.unexpected[key] += 1
            self.examples.setdefault(key, result["name"])
        if self.is_verbose:
            print(json.dumps(result), flush=True)

    def tell(self) -> None:
        for key, count in self.unexpected.most_common():
            print(f"{count:5} {key}\n      such as {self.examples[key]}")
        print(", ".join(f"{count} {what}" for what, count in self.counts.items()))


def work(folder: str, todo: list, ends: float, out) -> None:
    for condition in todo:
        if time.monotonic() >= ends:
            break
        out.write(json.dumps(audit(folder, condition)) + "\n")
        out.flush()


def run(options: argparse.Namespace, folder: str) -> Totals:
    todo = [c for c in conditions.chosen(options.seed) if fnmatch.fnmatchcase(c.name(), options.only)]
    todo = todo[:options.conditions]
    totals = Totals(options.verbose)
    ends = time.monotonic() + options.seconds
    pipes = []
    for job in range(options.jobs):
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.close(reading)
            with os.fdopen(writing, "w", encoding="utf-8") as out:
                work(folder, todo[job::options.jobs], ends, out)
            os._exit(0)
        os.close(writing)
        pipes.append(os.fdopen(reading, encoding="utf-8"))
    while pipes:
        for pipe in select.select(pipes, [], [])[0]:
            line = pipe.readline()
            if line:
                totals.add(json.loads(line))
            else:
                pipes.remove(pipe)
    return totals


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--conditions", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="*")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("build")
    options = parser.parse_args()
    if "error" in (probe := in_namespaces(lambda: {})):
        print(f"no namespaces can be made here: {probe['error']}")
        return 1 if os.environ.get("PORTGUARD_TEST_NO_SKIP") == "1" else NO_NAMESPACES
    folder = copy_of(options.build)
    try:
        totals = run(options, folder)
    finally:
        shutil.rmtree(folder)
    print(f"seed {options.seed}, of {len(conditions.every_condition())} conditions:")
    totals.tell()
    return 1 if totals.unexpected else 0


sys.exit(main())
