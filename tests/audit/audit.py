#!/usr/bin/python3
"""Builds conditions, asks a guarded program's report of each, judges the cause and does what every cure says.

audit.py [--seed N] [--seconds N] [--conditions N] [--jobs N] [--only PATTERN] [--patient] [--record] [--verbose] BUILD

--patient tries those cures as well that take a minute. --record does, and writes a row of results.md, of a run of 500 conditions
and more in which each kind was built.
BUILD has bin/portguard and lib/libportguard.so. Needs root, iproute2, procps and util-linux. Exit status: 0 every cause is right
and every cure led to a bind, or is listed in known.txt; 1 not; 77 namespaces cannot be made here.
"""

import argparse
import fnmatch
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import conditions
import cures
import judge
from asking import ask
from building import STARTED_AGAIN, build, start_again
from stage import NotBuilt, Stage, enter_namespaces
from totals import Totals, shape

HERE = os.path.dirname(os.path.abspath(__file__))
STAGE_S = 200
NO_NAMESPACES = 77
LONG_RUN = 500


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
    build(stage)
    stage.pids = stage.holder_pids()
    return stage, ask_again(stage)


def ask_again(stage: Stage):
    answer = ask(stage, stage.condition)
    if stage.condition.kind == "second_listen":
        stage.pids = stage.holder_pids()
    return answer


def first_look(folder: str, condition: conditions.Condition) -> dict:
    stage, answer = ask_in_stage(folder, condition)
    event = answer.event()
    cures_of_event = event["cures"] if event else []
    return {"faults": judge.faults(condition, stage, answer), "reported": event is not None,
            "cause": event["cause"] if event else None, "cures": [cure["command"] for cure in cures_of_event]}


def one_cure(folder: str, condition: conditions.Condition, index: int, text: str) -> dict:
    stage, first = ask_in_stage(folder, condition)
    answer = ask_again(stage)
    if answer.verdict() != first.verdict():
        return {"fault": f"the condition was over before its cure: {answer.verdict()}"}
    event = answer.event()
    cure = event["cures"][index] if event and index < len(event["cures"]) else None
    if cure is None or shape(cure["command"]) != shape(text):
        return {"fault": "the same condition was cured otherwise the second time"}
    started = time.monotonic()
    fault = cures.try_cure(stage, condition, cure, event)
    return {"fault": fault, "took": time.monotonic() - started}


def control(folder: str, condition: conditions.Condition, wait: float) -> dict:
    """Nothing is done for as long as the slowest cure took: a condition that ends by itself proves no cure."""
    stage, answer = ask_in_stage(folder, condition)
    time.sleep(wait)
    again = ask_again(stage).verdict()
    if condition.kind in STARTED_AGAIN and answer.errno is not None and again == answer.verdict():
        # Without a cure it is met again.
        start_again(stage)
        again = ask_again(stage).verdict()
    return {"fault": "" if again == answer.verdict() else f"the condition ends by itself: {again}"}


def audit(folder: str, condition: conditions.Condition, is_patient: bool) -> dict:
    result = in_namespaces(lambda: first_look(folder, condition))
    result.update(name=condition.name(), tried=0, left_out=0)
    result.setdefault("faults", [result["error"]] if "error" in result else [])
    slowest = 0
    for index, text in enumerate(result.get("cures", [])):
        if cures.takes_a_minute(condition, text) and not is_patient:
            result["left_out"] += 1
            continue
        tried = in_namespaces(lambda at=index, command=text: one_cure(folder, condition, at, command))
        fault = tried.get("fault", tried.get("error", tried.get("not_built")))
        result["tried"] += 1
        slowest = max(slowest, tried.get("took", 0))
        if fault:
            result["faults"].append(f"cure `{text}`: {fault}")
    if result["tried"]:
        left = in_namespaces(lambda: control(folder, condition, slowest))
        if fault := left.get("fault", left.get("error")):
            result["faults"].append(fault)
    return result


def copy_of(build: str) -> str:
    """Where every user may read it; a second name for endpoint.py, so that two programs differ."""
    folder = tempfile.mkdtemp(prefix="portguard-audit-")
    os.chmod(folder, 0o755)
    for part in ("bin/portguard", "lib/libportguard.so", "lib/portguard-explain"):
        os.makedirs(os.path.dirname(f"{folder}/{part}"), exist_ok=True)
        shutil.copy(f"{build}/{part}", f"{folder}/{part}")
    for name in ("connections.py", "endpoint.py", "sandboxes.py", "sockets.py"):
        shutil.copy(f"{HERE}/{name}", f"{folder}/{name}")
    shutil.copy(f"{HERE}/endpoint.py", f"{folder}/server.py")
    return folder


def work(folder: str, todo: list, ends: float, is_patient: bool, out) -> None:
    for condition in todo:
        if time.monotonic() >= ends:
            break
        out.write(json.dumps(audit(folder, condition, is_patient)) + "\n")
        out.flush()


def run(options: argparse.Namespace, folder: str) -> Totals:
    todo = [c for c in conditions.chosen(options.seed) if fnmatch.fnmatchcase(c.name(), options.only)]
    todo = todo[:options.conditions]
    totals = Totals(options.verbose)
    ends = time.monotonic() + options.seconds
    pipes, workers = [], []
    for job in range(options.jobs):
        reading, writing = os.pipe()
        worker = os.fork()
        if worker == 0:
            os.close(reading)
            # Nothing of the parent is to be cleaned up here.
            try:
                with os.fdopen(writing, "w", encoding="utf-8") as out:
                    work(folder, todo[job::options.jobs], ends, options.record or options.patient, out)
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        workers.append(worker)
        os.close(writing)
        pipes.append(os.fdopen(reading, encoding="utf-8"))
    while pipes:
        for pipe in select.select(pipes, [], [])[0]:
            line = pipe.readline()
            if line:
                totals.add(json.loads(line))
            else:
                pipes.remove(pipe)
    for worker in workers:
        if os.waitpid(worker, 0)[1] != 0:
            totals.add_fault("audit", "audit", "a part of the audit has crashed")
    return totals


def is_passed(options: argparse.Namespace, totals: Totals, seconds: float) -> bool:
    totals.tell()
    if totals.counts["reports"] == 0:
        print("nothing was reported: the audit has tried nothing")
        return False
    if not options.record:
        return not totals.unexpected
    complaints = [f"known.txt has what was not met: {entry}" for entry in totals.unmet()]
    complaints += [f"kind {kind} was not gone through" for kind in conditions.KINDS if kind not in totals.kinds]
    if totals.counts["conditions"] < LONG_RUN:
        complaints.append(f"fewer than {LONG_RUN} conditions")
    print("\n".join(complaints), end="\n" if complaints else "")
    if complaints:
        return False
    totals.record(options.seed, seconds)
    return not totals.unexpected


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--conditions", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="*")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--patient", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("build")
    options = parser.parse_args()
    if "error" in (probe := in_namespaces(lambda: {})):
        print(f"no namespaces can be made here: {probe['error']}")
        return 1 if os.environ.get("PORTGUARD_TEST_NO_SKIP") == "1" else NO_NAMESPACES
    folder, started = copy_of(options.build), time.monotonic()
    try:
        totals = run(options, folder)
    finally:
        shutil.rmtree(folder)
    print(f"seed {options.seed}, of {len(conditions.every_condition())} conditions:")
    return 0 if is_passed(options, totals, time.monotonic() - started) else 1


if __name__ == "__main__":
    sys.exit(main())
