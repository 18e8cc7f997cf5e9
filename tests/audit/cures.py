"""Does what a cure says, in the namespace of its condition."""

import dataclasses
import re
import shlex
import subprocess
import time

from asking import ask, peers
from conditions import Condition
from stage import NAMES, Stage

# What is executed. Anything else would reach beyond the namespaces, or is a sentence.
COMMANDS = {"kill", "portguard", "sysctl", "ip", "rm"}
LIVELY_S = 5
TRIES, PAUSE_S = 20, 0.1
FREE_PORT = 7900


@dataclasses.dataclass
class Change:
    """A sentence, as what is built or asked otherwise for it."""
    pattern: str
    condition: dict = dataclasses.field(default_factory=dict)
    ask: dict = dataclasses.field(default_factory=dict)
    # The group of the pattern that is the port to ask for.
    port_group: int = 0
    # An errno that is what the cure is for.
    errno: str | None = None
    # What was in the way is said to have gone.
    is_nothing: bool = False


CHANGES = (
    Change(r"DENY_ERRNO=(\w+)", errno="EADDRINUSE"),
    Change(r"IPv4 address in the program", ask={"family": 4, "address": "127.0.0.1"}),
    Change(r"an address that is here", ask={"address": lambda family: peers(family)[0]}),
    Change(r"a port from (\d+) on", port_group=1),
    Change(r"another path", ask={"name": NAMES + "/other"}),
    Change(r"another name", ask={"name": "@other"}),
    Change(r"unlink", ask={"unlink": True}),
    Change(r"no bind before connect|another source port", condition={"alone": True}),
    Change(r"IPV6_V6ONLY|ipv6only=on", condition={"v6only": True}),
    Change(r"(?:another|free) port\D*(\d{2,5})", port_group=1),
    Change(r"move the server to a port of (?:\d+,)*?(\d{4,5})", port_group=1),
    Change(r"another port", ask={"port": FREE_PORT}),
    Change(r"single addresses", condition={"place": "neither"}, ask={"address": lambda family: peers(family)[1]}),
    Change(r"same user", condition={"holder_uid": None}),
    Change(r"SOCK_CLOEXEC|close-on-exec", condition={"cloexec": True}),
    Change(r"SO_REUSEADDR", condition={"holder_flags": "+a", "asker_flags": "+a"}),
    Change(r"close the other socket|bind once|no IPv4 socket beside", condition={"alone": True}),
    Change(r"start it again", is_nothing=True),
    Change(r"let the kernel choose the port", ask={"port": 0, "flags": ""}),
    Change(r"IP_BIND_ADDRESS_NO_PORT", ask={"no_port": True, "peers": peers}),
    Change(r"spread the connections|different destinations", ask={"peers": peers}),
    Change(r"keep connections open", ask={"count": 1}),
    Change(r"sandbox|Landlock|seccomp", ask={"sandbox": None}),
)


def commands_of(text: str) -> list[list[str]] | None:
    """The simple commands of a line of shell; none: it is a sentence."""
    try:
        parser = shlex.shlex(text, posix=True, punctuation_chars=";&|")
        parser.whitespace_split = True
        words = list(parser)
    except ValueError:
        return None
    found: list[list[str]] = [[]]
    for word in words:
        if word in ("&&", ";"):
            found.append([])
        else:
            found[-1].append(word)
    return found if all(is_command(words) for words in found) else None


def is_command(words: list[str]) -> bool:
    words = words[words[:1] == ["sudo"]:]
    if not words:
        return False
    if words[0] == "portguard":
        return len(words) > 1 and (words[1] != "run" or "--" in words)
    return words[0] in COMMANDS or all(is_variable(word) for word in words)


def is_look(words: list[str]) -> bool:
    """It shows what is there, and changes nothing: run_command() judges what it shows."""
    return ("who" in words[:3] and not any(word.startswith("--wait") for word in words)) or words[-1:] == ["show"]


def is_variable(word: str) -> bool:
    return re.fullmatch(r"PORTGUARD_\w+=\S*", word) is not None


def try_cure(stage: Stage, condition: Condition, cure: dict, event: dict) -> str:
    """In a stage that is built and has reported. Empty: it led to a bind."""
    commands = commands_of(cure["command"])
    if commands is None:
        return try_sentence(stage, condition, cure["command"])
    if condition.kind == "second_listen":
        # Whoever listened first is not to be started once more.
        condition = dataclasses.replace(condition, alone=True)
    variables = {}
    for words in commands:
        if all(is_variable(word) for word in words):
            variables |= dict(word.split("=", 1) for word in words)
        elif fault := run_command(stage, condition, words, event):
            return fault
        elif is_look(words):
            return ""
    if cure["when"] == "lasting" and not variables:
        stage.start_again()
    return binds(stage, condition, variables)


def run_command(stage: Stage, condition: Condition, words: list[str], event: dict) -> str:
    is_root = words[0] == "sudo"
    words = words[is_root:]
    if words[0] == "kill" and not {int(word) for word in words[1:] if word.isdigit()} <= stage.pids:
        return "kills a process that holds nothing"
    if words[0] == "rm" and not words[-1].startswith(NAMES + "/"):
        return "removes another file"
    if words[0] == "portguard":
        words = [stage.portguard(), *words[1:]]
        if words[1] == "run":
            stage.dialer_prefix = words[:words.index("--") + 1]
            return ""
    if words[0] == "sysctl" and not all(word.startswith(("-", "net.ipv4.", "net.ipv6.")) for word in words[1:]):
        return "a sysctl of no network namespace"
    prefix = stage.asker_prefix(0 if is_root else condition.asker_uid)
    process = subprocess.Popen([*prefix, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               stdin=subprocess.DEVNULL, text=True)
    wait = next((word for word in words if word.startswith("--wait=")), None)
    if wait is not None:
        shorten(stage, condition, wait)
    try:
        out, _ = process.communicate(timeout=LIVELY_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return "did not end in time: nothing that it waits for happens"
    if "who" in words[:2] and wait is None:
        return names_holder(stage, out, event)
    return "" if process.returncode == 0 else f"exit status {process.returncode}: {out.strip()[-200:]}"


def shorten(stage: Stage, condition: Condition, wait: str) -> None:
    """A TIME_WAIT is forgotten at once instead of after its minute, if the command would wait for so long."""
    ends_by_itself = condition.kind.endswith(("time_wait", "orphan_fin_wait2"))
    if ends_by_itself and int(re.sub(r"\D", "", wait)) >= 60:
        time.sleep(PAUSE_S)
        subprocess.run(["ss", "-K", "-tan", "sport", "=", f":{stage.port}"], stdout=subprocess.DEVNULL, check=False)


def names_holder(stage: Stage, out: str, event: dict) -> str:
    states = {holder["state"] for holder in event["holders"]}
    is_named = any(re.search(rf"\b{pid}\b", out) for pid in stage.pids) or any(state in out for state in states)
    return "" if is_named else f"shows no holder: {out.strip()[-200:]}"


def try_sentence(stage: Stage, condition: Condition, text: str) -> str:
    for change in CHANGES:
        found = re.search(change.pattern, text)
        if found is None:
            continue
        if change.is_nothing:
            return binds(stage, condition)
        stage.end_holders()
        parts = {name: value[1:] + getattr(condition, name) if str(value).startswith("+") else value
                 for name, value in change.condition.items()}
        if "holder_uid" in parts:
            parts["holder_uid"] = condition.asker_uid
        changed = dataclasses.replace(condition, **parts)
        ask_changes = dict(change.ask)
        for name, of_family in ask_changes.items():
            if callable(of_family):
                ask_changes[name] = of_family(changed.asker_family())
        if change.port_group:
            ask_changes["port"] = int(found.group(change.port_group))
        stage.condition = changed
        stage.build()
        variables = {"PORTGUARD_DENY_ERRNO": found.group(1)} if change.errno else {}
        return binds(stage, changed, variables, change.errno, **ask_changes)
    return "a cure that the audit does not know how to try"


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
