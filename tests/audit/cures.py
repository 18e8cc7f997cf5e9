"""Does what a cure says, in the namespace of its condition."""

import dataclasses
import json
import re
import shlex
import subprocess
import time

from asking import ask
from building import STARTED_AGAIN, build, start_again
from conditions import Condition
from judge import causes_of, sees_owner
from sentences import OUTSIDE_LOOK, UnknownCure, change_for
from stage import NAMES, Stage

# What is executed. Anything else would reach beyond the namespaces, or is a sentence.
COMMANDS = {"kill", "portguard", "sysctl", "ip", "rm"}
LIVELY_S = 5
TRIES, PAUSE_S = 20, 0.1


def commands_of(text: str) -> list[tuple[str, list[str]]] | None:
    """The simple commands of a line of shell, each with what stands before it; none: it is a sentence."""
    try:
        parser = shlex.shlex(text, posix=True, punctuation_chars=";&|")
        parser.whitespace_split = True
        words = list(parser)
    except ValueError:
        return None
    found: list[tuple[str, list[str]]] = [("", [])]
    for word in words:
        if word in ("&&", "||", ";"):
            found.append((word, []))
        else:
            found[-1][1].append(word)
    return found if all(is_command(words) for _, words in found) else None


def is_command(words: list[str]) -> bool:
    words = words[words[:1] == ["sudo"]:]
    if not words:
        return False
    if words[0] == "portguard":
        return len(words) > 1 and (words[1] != "run" or "--" in words)
    return words[0] in COMMANDS or all(is_variable(word) for word in words)


def is_variable(word: str) -> bool:
    return re.fullmatch(r"PORTGUARD_(?!DENY_ERRNO)\w+=\S*", word) is not None


def is_look(words: list[str]) -> bool:
    """It shows what is there, and changes nothing."""
    return "who" in words[:3] and not any(word.startswith("--wait") for word in words)


def try_cure(stage: Stage, condition: Condition, cure: dict, event: dict) -> str:
    """In a stage that is built and has reported. Empty: it led to a bind."""
    if outside := re.fullmatch(OUTSIDE_LOOK, cure["command"]):
        stage.condition = dataclasses.replace(condition, pid_namespace=False)
        return look(stage, stage.condition, ["sudo", *outside.group(1).split()])
    commands = commands_of(cure["command"])
    if commands is None:
        return try_sentence(stage, condition, cure["command"])
    if condition.kind == "second_listen":
        # Whoever listened first is not to be started once more.
        condition = dataclasses.replace(condition, alone=True)
    variables = {}
    fault = ""
    for joint, words in commands:
        if (joint == "&&" and fault) or (joint == "||" and not fault):
            continue
        if all(is_variable(word) for word in words):
            variables |= dict(word.split("=", 1) for word in words)
        elif is_look(words):
            return "shows what is seen already" if sees_owner(condition) else look(stage, condition, words)
        else:
            fault = run_command(stage, condition, words, event)
    if fault:
        return fault
    if cure["when"] == "lasting" and condition.kind in STARTED_AGAIN:
        start_again(stage)
    return binds(stage, condition, variables)


def takes_a_minute(condition: Condition, text: str) -> bool:
    return condition.protocol == "mptcp" and "--wait=" in text


def as_it_runs(stage: Stage, condition: Condition, words: list[str]) -> list[str]:
    is_root = words[0] == "sudo"
    words = words[is_root:]
    if words[0] == "portguard":
        words = [stage.portguard(), *words[1:]]
    return [*stage.command_prefix(0 if is_root else condition.asker_uid), *words]


def refused(stage: Stage, words: list[str]) -> str:
    """Why such a command is none to print."""
    if "kill" in words and not {int(word) for word in words if word.isdigit()} <= stage.pids:
        return "kills a process that holds nothing"
    if "rm" in words and not words[-1].startswith(NAMES + "/"):
        return "removes another file"
    if "sysctl" in words and not all(word.startswith(("-", "net.ipv4.", "net.ipv6."))
                                     for word in words[words.index("sysctl") + 1:]):
        return "a sysctl of no network namespace"
    return ""


def run_command(stage: Stage, condition: Condition, words: list[str], event: dict) -> str:
    if why := refused(stage, words):
        return why
    if words[:2] == ["portguard", "run"]:
        stage.dialer_prefix = [stage.portguard(), *words[1:words.index("--") + 1]]
        return ""
    wait = next((int(re.sub(r"\D", "", word)) for word in words if word.startswith("--wait=")), None)
    if wait is not None:
        words = [word if not word.startswith("--wait=") else f"--wait={shortened(stage, wait)}s" for word in words]
    process = subprocess.Popen(as_it_runs(stage, condition, words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               stdin=subprocess.DEVNULL, text=True)
    try:
        out, _ = process.communicate(timeout=LIVELY_S + (wait or 0))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return "did not end in time: nothing that it waits for happens"
    return "" if process.returncode == 0 else f"exit status {process.returncode}: {out.strip()[-200:]}"


def shortened(stage: Stage, wait: int) -> int:
    """Nobody waits for a minute here, but for MPTCP, whose timer is not shown (net.mptcp.close_timeout). What the kernel says to forget within the time is forgotten at once; else the
    wait is one that runs out."""
    if stage.condition.protocol == "mptcp":
        return wait
    # Whoever was told to end may take a moment.
    time.sleep(3 * PAUSE_S)
    left = [re.search(r"timer:\(timewait,(?:(\d+)min)?(?:(\d+)(?:\.\d+)?sec)?", line) for line in stage.shown()]
    seconds = [60 * int(found.group(1) or 0) + int(found.group(2) or 0) for found in left if found is not None]
    if len(seconds) == len(left) and all(second <= wait for second in seconds):
        stage.forget_what_ends()
    return 1


def look(stage: Stage, condition: Condition, words: list[str]) -> str:
    """It has to show the cause that whoever is allowed to look would be told, who asks for the port of no address."""
    if condition.is_of_child():
        # The parent ends with its child here.
        stage.hold(role="listen", **stage.spec)
    shown = subprocess.run([*as_it_runs(stage, condition, words), "--json"], stdout=subprocess.PIPE,
                           stdin=subprocess.DEVNULL, check=False, text=True).stdout
    uid = 0 if words[0] == "sudo" else condition.asker_uid
    known_to_asker = condition.is_of_child() or condition.kind in ("second_listen", "listener_same_program")
    kind = "listener" if known_to_asker else condition.kind
    causes = causes_of(dataclasses.replace(condition, kind=kind, asker_uid=uid, asker_flags="", place="both",
                                           family=condition.holder_family()))
    cause = json.loads(shown)["cause"] if shown.startswith("{") else shown[-200:]
    return "" if cause in causes else f"shows another cause: {cause}"


def try_sentence(stage: Stage, condition: Condition, text: str) -> str:
    try:
        change, ports = change_for(text)
    except UnknownCure as why:
        return str(why)
    if change.is_nothing:
        return binds(stage, condition)
    stage.end_holders()
    parts = {name: value[1:] + getattr(condition, name) if str(value).startswith("+") else value
             for name, value in change.condition.items()}
    if "holder_uid" in parts:
        parts["holder_uid"] = condition.asker_uid
    changed = dataclasses.replace(condition, **parts)
    ask_changes = {name: value(changed.asker_family()) if callable(value) else value
                   for name, value in change.ask.items()} | ports
    stage.condition = changed
    build(stage)
    return binds(stage, changed, change.variables, change.errno, **ask_changes)


def binds(stage: Stage, condition: Condition, variables=None, errno=None, **changes) -> str:
    """Whoever was told to end may take a moment. Empty: the program is let in."""
    for _ in range(TRIES):
        answer = ask(stage, condition, variables, **changes)
        still_reported = condition.kind == "in_ephemeral_range" and any(
            event["cause"] == "ephemeral_range" for event in answer.events)
        if answer.errno == errno and not still_reported:
            return ""
        time.sleep(PAUSE_S)
    return f"afterwards {answer.call} still fails with {answer.errno}" if answer.errno else "afterwards still reported"
