"""The conditions that a port can be in, composed of what decides about a bind: each is built for real by stage.py."""

import dataclasses
import itertools
import random

NOBODY, OTHER = 65534, 65533

# What is in the way. Of each: protocols, families (46: the holder has [::] and the asker IPv4, 64: the other way about) and
# places (whose address is a wildcard: of both, of neither, of the holder, of the asker).
EVERYWHERE = ("both", "neither", "holder", "asker")
KINDS = {
    "listener": (("tcp", "mptcp"), (4, 6, 46, 64), EVERYWHERE),
    "listener_same_program": (("tcp",), (4, 6), EVERYWHERE),
    "inherited": (("tcp",), (4, 6), ("both", "neither")),
    "bound": (("tcp", "udp"), (4, 6, 46, 64), EVERYWHERE),
    "udp_connected": (("udp",), (4, 6), ("neither", "asker")),
    "hold": (("tcp",), (4,), ("both", "asker")),
    "outgoing": (("tcp",), (4, 6), ("neither", "asker")),
    "outgoing_chosen": (("tcp",), (4, 6), ("neither", "asker")),
    "outgoing_time_wait": (("tcp",), (4, 6), ("neither", "asker")),
    "self_connected": (("tcp",), (4, 6), ("neither", "asker")),
    "accepted_established": (("tcp", "mptcp"), (4, 6), ("neither", "asker")),
    "accepted_close_wait": (("tcp",), (4, 6), ("neither", "asker")),
    "accepted_fin_wait2": (("tcp",), (4, 6), ("neither", "asker")),
    "accepted_time_wait": (("tcp",), (4, 6), ("neither", "asker")),
    "orphan_fin_wait1": (("tcp",), (4, 6), ("neither", "asker")),
    "orphan_fin_wait2": (("tcp",), (4, 6), ("neither", "asker")),
    "orphan_last_ack": (("tcp",), (4, 6), ("neither", "asker")),
    "second_listen": (("tcp",), (4, 6), ("both", "neither")),
    "own_listener": (("tcp",), (4, 6, 46, 64), EVERYWHERE),
    "own_bound": (("tcp", "udp"), (4, 6), EVERYWHERE),
    "privileged": (("tcp", "udp"), (4, 6), ("both", "asker")),
    "sandboxed": (("tcp",), (4, 6), ("both",)),
    "no_address": (("tcp", "udp"), (4, 6), ("neither",)),
    "ipv6_disabled": (("tcp", "udp"), (6,), ("neither",)),
    "outside_plan": (("tcp", "udp"), (4, 6), ("both", "neither")),
    "in_ephemeral_range": (("tcp",), (4, 6), ("both", "neither")),
    "exhausted_connect": (("tcp",), (4, 6), ("neither",)),
    "exhausted_bind": (("tcp",), (4,), ("neither",)),
    "four_tuple": (("tcp",), (4, 6), ("neither",)),
    # Of unix sockets neither family nor place is asked.
    "unix_listener": (("unix",), (4,), ("neither",)),
    "unix_abstract": (("unix",), (4,), ("neither",)),
    "unix_datagram": (("unix",), (4,), ("neither",)),
    "unix_stale": (("unix",), (4,), ("neither",)),
    "unix_folder": (("unix",), (4,), ("neither",)),
}
# Nothing is held by another process: there is no holder that could have flags, a user or a pid namespace.
WITHOUT_HOLDER = {"privileged", "sandboxed", "no_address", "ipv6_disabled", "outside_plan", "in_ephemeral_range",
                  "exhausted_connect", "exhausted_bind", "four_tuple", "own_listener", "own_bound"}
FIXED_HOLDER_FLAGS = {"second_listen": "a", "hold": "a"}
FIXED_ASKER_FLAGS = {"second_listen": "a"}
FLAGS = ("", "a", "p", "ap")


@dataclasses.dataclass(frozen=True)
class Condition:
    kind: str
    protocol: str
    family: int
    place: str
    holder_flags: str = ""
    asker_flags: str = ""
    holder_uid: int = 0
    asker_uid: int = 0
    pid_namespace: bool = False
    plan: bool = False
    # Not composed, but set to try a cure.
    v6only: bool = False
    cloexec: bool = False
    alone: bool = False

    def name(self) -> str:
        return "/".join((
            self.kind, self.protocol, f"ipv{self.family}", f"wildcard-{self.place}", f"holder-{self.holder_flags or 'plain'}",
            f"asker-{self.asker_flags or 'plain'}", f"uid{self.holder_uid}-uid{self.asker_uid}",
            "pidns" if self.pid_namespace else "here", "plan" if self.plan else "noplan"))

    def holder_family(self) -> int:
        return self.family if self.family in (4, 6) else self.family // 10

    def asker_family(self) -> int:
        return self.family if self.family in (4, 6) else self.family % 10

    def holder_address(self) -> str:
        return address(self.holder_family(), self.place in ("both", "holder"))

    def asker_address(self) -> str:
        return address(self.asker_family(), self.place in ("both", "asker"))

    def has_holder(self) -> bool:
        return self.kind not in WITHOUT_HOLDER


def address(family: int, wildcard: bool) -> str:
    return {4: ("127.0.0.1", "0.0.0.0"), 6: ("::1", "::")}[family][wildcard]


def is_one(condition: Condition) -> bool:
    """Whether the parts go together: both wildcards where the families differ, and a user who may do it."""
    if condition.family in (46, 64):
        wildcard_of_six = {46: ("both", "holder"), 64: ("both", "asker")}[condition.family]
        if condition.place not in wildcard_of_six:
            return False
    if condition.kind == "privileged" and condition.asker_uid == 0:
        return False
    if condition.kind == "outside_plan" and not condition.plan:
        return False
    if condition.kind in ("in_ephemeral_range", "exhausted_connect", "exhausted_bind", "privileged") and condition.plan:
        return False
    # Flags of UDP sockets share the port at once: nothing fails.
    return not (condition.protocol == "udp" and set(condition.holder_flags) & set(condition.asker_flags))


def every_condition() -> list[Condition]:
    found = []
    for kind, (protocols, families, places) in KINDS.items():
        has_holder = kind not in WITHOUT_HOLDER
        if kind.startswith("unix"):
            found += [Condition(kind, *parts) for parts in itertools.product(
                protocols, families, places, ("",), ("",), (0, NOBODY), (0, NOBODY, OTHER), (False, True), (False, True))]
            continue
        holder_flags = (FIXED_HOLDER_FLAGS[kind],) if kind in FIXED_HOLDER_FLAGS else FLAGS if has_holder else ("",)
        asker_flags = (FIXED_ASKER_FLAGS[kind],) if kind in FIXED_ASKER_FLAGS else FLAGS
        holder_uids = (0, NOBODY) if has_holder else (0,)
        for parts in itertools.product(protocols, families, places, holder_flags, asker_flags, holder_uids,
                                       (0, NOBODY, OTHER), (False, True) if has_holder else (False,), (False, True)):
            condition = Condition(kind, *parts)
            if is_one(condition):
                found.append(condition)
    return found


def chosen(seed: int) -> list[Condition]:
    """All of them in an order of the seed, the kinds in turn: a short run has some of each."""
    order = random.Random(seed)
    by_kind = {kind: [] for kind in KINDS}
    for condition in every_condition():
        by_kind[condition.kind].append(condition)
    for conditions in by_kind.values():
        order.shuffle(conditions)
    turns = itertools.zip_longest(*by_kind.values())
    return [condition for turn in turns for condition in turn if condition is not None]
