"""A guarded program that asks for the port of a condition, and what it reported."""

import dataclasses
import json

from conditions import Condition
from stage import PATIENCE_S, PEER_PORT, Stage

PLAN = {"PORTGUARD_LISTEN": "80,7000-7999", "PORTGUARD_EPHEMERAL": "40000-49999"}
ABSENT = {4: "10.9.9.9", 6: "2001:db8::1"}
EXHAUSTED_COUNT = 3
FOUR_TUPLE_PORT = 7500


@dataclasses.dataclass
class Answer:
    call: str
    errno: str | None
    events: list[dict]

    def event(self) -> dict | None:
        """About the call that failed, or was cured; else what is only worth knowing."""
        of_call = [event for event in self.events if event["event"] != "ephemeral_listener"]
        return (of_call or self.events or [None])[-1]

    def verdict(self) -> tuple[str, str | None, bool]:
        """What a cure has to change."""
        return self.call, self.errno, any(event["event"] == "ephemeral_listener" for event in self.events)


def peers(family: int) -> list[str]:
    return {4: ["127.0.0.1", "127.0.0.2", "127.0.0.3"], 6: ["::1", "fd00::1", "fd00::2"]}[family]


def spec_of(stage: Stage, condition: Condition) -> dict:
    family, kind = condition.asker_family(), condition.kind
    spec = {"role": "ask", "protocol": condition.protocol, "family": family, "flags": condition.asker_flags,
            "address": condition.asker_address(), "port": stage.port, "v6only": condition.v6only, "name": stage.spec["name"]}
    if kind in ("own_listener", "own_bound") and not condition.alone:
        own = spec | {"role": "listen" if kind == "own_listener" else "bind", "family": condition.holder_family(),
                      "address": condition.holder_address(), "flags": ""}
        spec["own"] = [own]
    elif kind in ("landlocked", "filtered"):
        spec["sandbox"] = {"landlocked": "landlock", "filtered": "seccomp"}[kind]
    elif kind == "no_address":
        spec["address"] = ABSENT[family]
    elif kind.startswith(("exhausted_", "four_tuple")):
        spec |= {"peers": peers(family)[:1], "peer_port": PEER_PORT, "count": EXHAUSTED_COUNT, "port": 0}
        if kind == "exhausted_bind":
            spec["addresses"] = peers(family)[1:2]
        elif kind.startswith("four_tuple"):
            # The same addresses and ports twice, with the flag that lets both bind.
            spec |= {"flags": "a", "port": FOUR_TUPLE_PORT, "count": 2, "addresses": [condition.asker_address()],
                     "hang_up": kind.endswith("time_wait")}
    elif kind == "second_listen":
        spec["pause"] = True
    return spec


def prefix_of(stage: Stage, condition: Condition) -> list[str]:
    """What starts the asker, as its user."""
    if not condition.is_of_child() or condition.alone:
        return stage.command_prefix(condition.asker_uid)
    parent = stage.spec | {"role": "parent", "variable": condition.kind.endswith("variable")}
    started = stage.words_of(parent, "server.py", stage.as_user(condition.holder_uid))
    return started + (stage.as_user(condition.asker_uid) if condition.holder_uid == 0 else [])


def ask(stage: Stage, condition: Condition, variables=None, **changes) -> Answer:
    settings = {"LD_PRELOAD": stage.folder + "/lib/libportguard.so", "PORTGUARD_CONFIG": "/dev/null",
                "PORTGUARD_FORMAT": "json", "PORTGUARD_STACK_DEPTH": "0", "PORTGUARD_BUDGET_MS": "5000"}
    settings |= PLAN if condition.plan else {}
    settings |= variables or {}
    if condition.kind == "second_listen" and not condition.alone:
        stage.end_holders()
    asker = stage.start(spec_of(stage, condition) | changes, "endpoint.py", prefix_of(stage, condition), **settings)
    first = {}
    if condition.kind == "second_listen":
        first = stage.line_of(asker)
        # Who listens first is there once the other one has bound.
        if first.get("bound") and not condition.alone:
            stage.hold(role="listen", **stage.spec)
    out, err = asker.communicate(b"\n", timeout=PATIENCE_S)
    words = [line for line in [json.dumps(first), *out.decode().splitlines()] if "errno" in line]
    if not words:
        raise RuntimeError(f"the asker said {out!r} and {err!r}")
    events = [json.loads(line) for line in err.decode().splitlines() if line.startswith("{")]
    return Answer(events=events, **json.loads(words[-1]))
