"""Runs in a guest what `kernels` is for; a JSON line per test goes to stdout."""

import fnmatch
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

TREE, BUILD = pathlib.Path(os.environ["TREE"]), pathlib.Path(os.environ["BUILD"])
IS_QUICK, ONLY = os.environ.get("QUICK") == "1", os.environ.get("ONLY", "*")
PYTHON = ["/usr/bin/python3", "-B"]
# A test of its own process, as ctest runs it; slower by what emulation costs.
LIMIT_S = 180
# They have limits of their own, and thousands of processes or connections.
TOO_LONG = ("Hazards.H59_children_forked_beside_a_walk_of_loaded_objects_do_not_hang",
            "OutgoingLimits.sixty_four_thousand_connections_by_binds_take_every_port_and_leak_nothing")


def say(**what) -> None:
    print(json.dumps(what), flush=True)


def run(command: list[str], limit: float = LIMIT_S) -> tuple[int, str]:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=limit, check=False)
    except subprocess.TimeoutExpired as late:
        return 1, (late.stdout or b"").decode(errors="replace") + f"\nnot done in {limit} s"
    return done.returncode, done.stdout


def short(said: str) -> str:
    """Without the stacks of events, and where it ends."""
    return re.sub(r'"stack":\[.*?\],"holders"', '"holders"', said)[-8000:]


def tests_of(program: str) -> list[str]:
    found, suite = [], ""
    for line in run([str(BUILD / "bin" / program), "--gtest_list_tests"])[1].splitlines()[1:]:
        name = line.split("#")[0].rstrip()
        if line.startswith(" "):
            found.append(suite + name.strip())
        else:
            suite = name
    return found


def run_google_tests(program: str) -> None:
    for test in tests_of(program):
        if test in TOO_LONG or not fnmatch.fnmatch(f"{program}:{test}", ONLY):
            continue
        started = time.monotonic()
        status, said = run([str(BUILD / "bin" / program), f"--gtest_filter={test}"])
        skipped = re.search(r"Skipped\n(.*?)\n\n?\[  SKIPPED \]", said, re.S)
        result = "failed" if status != 0 else "skipped" if skipped else "passed"
        text = short(said) if status != 0 else skipped.group(1).strip() if skipped else ""
        say(program=program, test=test, result=result, said=text, seconds=round(time.monotonic() - started, 2))


def run_story() -> None:
    """On this root as on another release's (debian)."""
    source = TREE / "tests/platforms/test_release.py"
    # Where the package puts them.
    for part, place in (("lib/libportguard.so", "/usr/lib/x86_64-linux-gnu"), ("bin/portguard", "/usr/bin"),
                        ("lib/portguard-explain", "/usr/lib/x86_64-linux-gnu/portguard")):
        os.makedirs(place, exist_ok=True)
        shutil.copy(BUILD / part, place)
    release = source.read_text(encoding="utf-8").partition("class Release(")[2].partition("\nclass ")[0]
    for test in re.findall(r"def (test_\w+)", release):
        if fnmatch.fnmatch(f"story:{test}", ONLY):
            report("story", test, [*PYTHON, str(source), "/", f"Release.{test}"])


def run_audit() -> None:
    """As many conditions as there is time for, of one seed."""
    conditions, seconds = (12, 90) if IS_QUICK else (114, 1200)
    if fnmatch.fnmatch("audit:", ONLY):
        report("audit", "conditions", [*PYTHON, str(TREE / "tests/audit/audit.py"), "--seconds", str(seconds), "--conditions",
               str(conditions), "--seed", "20261126", str(BUILD)], 2 * seconds)


def report(program: str, test: str, command: list[str], limit: float = LIMIT_S) -> None:
    started = time.monotonic()
    status, said = run(command, limit)
    # What the audit has gone through stands in its last line.
    text = short(said) if status else said.splitlines()[-1] if program == "audit" else ""
    say(program=program, test=test, result="failed" if status else "passed", said=text,
        seconds=round(time.monotonic() - started, 2))


def main() -> None:
    say(kernel=os.uname().release)
    programs = ["portguard_kernel_tests"]
    if not IS_QUICK:
        programs += ["portguard_kernel_look_tests", "portguard_explain_tests", "portguard_preload_tests"]
    run_story()
    for program in programs:
        run_google_tests(program)
    run_audit()
    say(ended=True)


if __name__ == "__main__":
    main()
