"""The conditions that a port can be in, composed of what decides about a bind: each is built for real by stage.py."""

import dataclasses
import itertools
import random

NOBODY, OTHER = 65534, 65533

TCP, UDP, TCP_UDP, TCP_MPTCP = ("tcp",), ("udp",), ("tcp", "udp"), ("tcp", "mptcp")
# 46: the holder has [::] and the asker IPv4, 64: the other way about.
BOTH, ACROSS, IPV4 = (4, 6), (4, 6, 46, 64), (4,)
# Whose address is a wildcard: of both, of neither, of the holder, of the asker.
EVERYWHERE = ("both", "neither", "holder", "asker")
SPECIFIC = ("neither", "asker")

# What is in the way; of each its protocols, families and places.
KINDS = {
    "listener": (TCP_MPTCP, ACROSS, EVERYWHERE),
    "listener_same_program": (TCP, BOTH, EVERYWHERE),
    # Takes no port of the other family.
    "listener_v6only": (TCP, (6, 46), ("both", "holder")),
    "listener_on_device": (TCP, BOTH, ("both", "asker")),
    # Two programs, which share the port.
    "listener_group": (TCP, BOTH, ("both", "neither")),
    # One socket, of several processes.
    "listener_preforked": (TCP, BOTH, ("both", "asker")),
    "listener_stopped": (TCP, BOTH, ("both", "neither")),
    "listener_ignores_sigterm": (TCP, BOTH, ("both", "neither")),
    "listener_in_pid_namespace": (TCP, BOTH, ("both", "asker")),
    "listener_is_first_process": (TCP, BOTH, ("both", "asker")),
    "listener_is_parent": (TCP, BOTH, ("both", "neither")),
    "listener_is_parent_by_variable": (TCP, BOTH, ("both", "neither")),
    # Its connections end with it, and are not over then; deaf: the peer reads nothing of what was sent.
    "listener_with_client": (TCP, BOTH, ("both", "neither", "asker")),
    "listener_with_deaf_client": (TCP, BOTH, ("both", "asker")),
    "inherited": (TCP, BOTH, ("both", "neither")),
    "bound": (TCP_UDP, ACROSS, EVERYWHERE),
    "udp_connected": (UDP, BOTH, SPECIFIC),
    "udp_group": (UDP, BOTH, ("both", "neither")),
    "hold": (TCP, IPV4, ("both", "asker")),
    "outgoing": (TCP_MPTCP, BOTH, SPECIFIC),
    "outgoing_chosen": (TCP, BOTH, SPECIFIC),
    "outgoing_time_wait": (TCP, BOTH, SPECIFIC),
    "self_connected": (TCP, BOTH, SPECIFIC),
    # By a port that the kernel gave it.
    "self_connected_given": (TCP, BOTH, SPECIFIC),
    "accepted_established": (TCP_MPTCP, BOTH, SPECIFIC),
    "accepted_close_wait": (TCP, BOTH, SPECIFIC),
    "accepted_deaf": (TCP, BOTH, SPECIFIC),
    "accepted_deaf_close_wait": (TCP, BOTH, SPECIFIC),
    "accepted_fin_wait2": (TCP, BOTH, SPECIFIC),
    "accepted_time_wait": (TCP, BOTH, SPECIFIC),
    "orphan_fin_wait1": (TCP, BOTH, SPECIFIC),
    "orphan_fin_wait2": (TCP, BOTH, SPECIFIC),
    "orphan_last_ack": (TCP, BOTH, SPECIFIC),
    "orphan_closing": (TCP, BOTH, SPECIFIC),
    "second_listen": (TCP, BOTH, ("both", "neither")),
    "own_listener": (TCP, ACROSS, EVERYWHERE),
    "own_bound": (TCP_UDP, BOTH, EVERYWHERE),
    "privileged": (TCP_UDP, BOTH, ("both", "asker")),
    "privileged_by_sysctl": (TCP_UDP, BOTH, ("both", "asker")),
    "landlocked": (TCP, BOTH, ("both", "neither")),
    "filtered": (TCP_UDP, BOTH, ("both", "neither")),
    "no_address": (TCP_UDP, BOTH, ("neither",)),
    "ipv6_disabled": (TCP_UDP, (6,), ("neither",)),
    "outside_plan": (TCP_UDP, BOTH, ("both", "neither")),
    "in_ephemeral_range": (TCP, BOTH, ("both", "neither")),
    "exhausted_connect": (TCP_UDP, BOTH, ("neither",)),
    "exhausted_bind": (TCP_UDP, BOTH, ("neither",)),
    "four_tuple": (TCP, BOTH, ("neither",)),
    "four_tuple_time_wait": (TCP, BOTH, ("neither",)),
    # Of unix sockets neither family nor place is asked.
    "unix_listener": (("unix",), IPV4, ("neither",)),
    "unix_abstract": (("unix",), IPV4, ("neither",)),
    "unix_datagram": (("unix",), IPV4, ("neither",)),
    "unix_in_network_namespace": (("unix",), IPV4, ("neither",)),
    "unix_stale": (("unix",), IPV4, ("neither",)),
    "unix_folder": (("unix",), IPV4, ("neither",)),
    "unix_regular_file": (("unix",), IPV4, ("neither",)),
    "unix_symbolic_link": (("unix",), IPV4, ("neither",)),
}
# Nothing is held by another process: there is no holder that could have flags, a user or a pid namespace.
WITHOUT_HOLDER = {"privileged", "privileged_by_sysctl", "landlocked", "filtered", "no_address", "ipv6_disabled",
                  "outside_plan", "in_ephemeral_range", "exhausted_connect", "exhausted_bind", "four_tuple",
                  "four_tuple_time_wait", "own_listener", "own_bound"}
FIXED_HOLDER_FLAGS = {"second_listen": "a", "hold": "a", "listener_group": "p", "udp_group": "p"}
FIXED_ASKER_FLAGS = {"second_listen": "a"}
# A plan changes what is asked for, or takes the choice from the kernel.
WITHOUT_PLAN = {"in_ephemeral_range", "exhausted_connect", "exhausted_bind", "privileged", "privileged_by_sysctl"}
# What makes it takes root.
OF_ROOT = {"hold", "listener_on_device", "listener_in_pid_namespace", "listener_is_first_process",
           "unix_in_network_namespace"}
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
        return self.family if self.family in (4, 6) else self.family % 10

    def asker_family(self) -> int:
        return self.family if self.family in (4, 6) else self.family // 10

    def holder_address(self) -> str:
        return address(self.holder_family(), self.place in ("both", "holder"))

    def asker_address(self) -> str:
        return address(self.asker_family(), self.place in ("both", "asker"))

    def has_holder(self) -> bool:
        return self.kind not in WITHOUT_HOLDER

    def is_of_child(self) -> bool:
        """Whoever asks is a child of who listens."""
        return self.kind.startswith("listener_is_parent")


def address(family: int, wildcard: bool) -> str:
    return {4: ("127.0.0.1", "0.0.0.0"), 6: ("::1", "::")}[family][wildcard]


def is_one(condition: Condition) -> bool:
    """Whether the parts go together: both wildcards where the families differ, and a user who may do it."""
    if condition.family in (46, 64):
        wildcard_of_six = {46: ("both", "holder"), 64: ("both", "asker")}[condition.family]
        if condition.place not in wildcard_of_six:
            return False
    if condition.kind.startswith("privileged") and condition.asker_uid == 0:
        return False
    if condition.kind in OF_ROOT and condition.holder_uid != 0:
        return False
    # A child cannot have another user than a parent that is not root, and sees its parent.
    if condition.is_of_child() and (condition.pid_namespace or condition.holder_uid not in (0, condition.asker_uid)):
        return False
    if condition.kind == "outside_plan" and not condition.plan:
        return False
    if condition.kind in WITHOUT_PLAN and condition.plan:
        return False
    # Flags of UDP sockets share the port at once: nothing fails.
    return not (condition.protocol == "udp" and set(condition.holder_flags) & set(condition.asker_flags)
                and condition.kind != "udp_group")


def every_condition() -> list[Condition]:
    found = []
    for kind, (protocols, families, places) in KINDS.items():
        has_holder = kind not in WITHOUT_HOLDER
        if kind.startswith("unix"):
            parts_of_kind = itertools.product(
                protocols, families, places, ("",), ("",), (0, NOBODY), (0, NOBODY, OTHER), (False, True), (False, True))
            found += [one for one in (Condition(kind, *parts) for parts in parts_of_kind) if is_one(one)]
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
