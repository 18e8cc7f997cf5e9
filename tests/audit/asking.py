"""A guarded program that asks for the port of a condition, and what it reported."""

import dataclasses
import json

from conditions import Condition
from stage import PATIENCE_S, PEER_PORT, PLAN, Stage

ABSENT = {4: "10.9.9.9", 6: "2001:db8::1"}
EXHAUSTED_COUNT = 3


@dataclasses.dataclass
class Answer:
    call: str
    errno: str | None
    events: list[dict]

    def event(self) -> dict | None:
        """About the call that failed, or was cured; else what is only worth knowing."""
        of_call = [event for event in self.events if event["event"] != "ephemeral_listener"]
        return (of_call or self.events or [None])[-1]


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
    elif kind == "sandboxed":
        spec["sandbox"] = "landlock"
    elif kind == "no_address":
        spec["address"] = ABSENT[family]
    elif kind in ("exhausted_connect", "exhausted_bind", "four_tuple"):
        spec |= {"peers": peers(family)[:1], "peer_port": PEER_PORT, "count": EXHAUSTED_COUNT, "port": 0}
        if kind == "exhausted_connect":
            del spec["address"]
        elif kind == "exhausted_bind":
            spec["address"] = "127.0.0.2"
        else:
            # The same addresses and ports twice, with the flag that lets both bind.
            spec |= {"flags": "a", "port": 7500, "count": 2}
    elif kind == "second_listen":
        spec["pause"] = True
    return spec


def ask(stage: Stage, condition: Condition, variables=None, **changes) -> Answer:
    settings = {"LD_PRELOAD": stage.folder + "/lib/libportguard.so", "PORTGUARD_CONFIG": "/dev/null",
                "PORTGUARD_FORMAT": "json", "PORTGUARD_STACK_DEPTH": "0", "PORTGUARD_BUDGET_MS": "5000"}
    settings |= PLAN if condition.plan else {}
    settings |= variables or {}
    asker = stage.start(spec_of(stage, condition) | changes, "endpoint.py", stage.asker_prefix(condition.asker_uid),
                        **settings)
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
