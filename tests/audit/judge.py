"""What a report may say of a condition: the causes that are true of it, and words that would be false."""

import re

from conditions import Condition
from asking import Answer

# Nothing more can be known where the holder's process is hidden; what is then said of the socket must be true all the same.
UNKNOWN = {"unknown", "unseen_holder"}

CAUSES = {
    "listener": {"listener_other_program"},
    "listener_same_program": {"listener_same_program"},
    "inherited": {"inherited_listener", "listener_other_program"},
    "bound": {"bound_only"},
    "udp_connected": {"udp_holder"},
    "hold": {"reserved_by_hold"},
    "outgoing": {"outgoing_connection", "connection"},
    "outgoing_chosen": {"outgoing_connection", "connection"},
    "outgoing_time_wait": {"outgoing_time_wait", "time_wait"},
    "self_connected": {"self_connected"},
    "accepted_established": {"dying_server", "connection"},
    "accepted_close_wait": {"dying_server", "connection"},
    "accepted_fin_wait2": {"dying_server", "connection"},
    "accepted_time_wait": {"own_time_wait", "time_wait"},
    "orphan_fin_wait1": {"orphaned_connection"},
    "orphan_fin_wait2": {"orphaned_connection"},
    "orphan_last_ack": {"orphaned_connection"},
    "second_listen": {"second_listen"},
    "own_listener": {"self"},
    "own_bound": {"self", "udp_holder"},
    "privileged": {"privileged_port"},
    "sandboxed": {"sandbox"},
    "no_address": {"no_such_address"},
    "ipv6_disabled": {"ipv6_disabled"},
    "outside_plan": {"outside_plan"},
    "in_ephemeral_range": {"ephemeral_range"},
    "exhausted_connect": {"no_port_left"},
    "exhausted_bind": {"no_port_left"},
    "four_tuple": {"four_tuple_in_use"},
    "unix_listener": {"unix_listener"},
    "unix_abstract": {"unix_listener"},
    "unix_datagram": {"unix_bound"},
    "unix_stale": {"unix_stale"},
    "unix_folder": {"unix_not_a_socket"},
}

# Of these kinds a sentence with such words is false.
FALSE_WORDS = {
    "outgoing_chosen": r"was given this port",
    "self_connected": r"was given this port|accepted",
    "accepted_established": r"outgoing connection of",
    "inherited": r"the same program",
}

MAY_SUCCEED = {"hold", "in_ephemeral_range"}


def sees_owner(condition: Condition) -> bool:
    return not condition.pid_namespace and condition.asker_uid in (0, condition.holder_uid)


def causes_of(condition: Condition) -> set[str]:
    allowed = set(CAUSES[condition.kind])
    both_share = "p" in condition.holder_flags and "p" in condition.asker_flags
    if condition.has_holder() and both_share and condition.holder_uid != condition.asker_uid:
        allowed |= {"reuseport_other_user"}
    if condition.kind == "bound" and condition.protocol == "udp":
        allowed = allowed - {"bound_only"} | {"udp_holder"}
    if condition.kind in ("listener", "bound", "own_listener") and condition.family in (46, 64):
        allowed |= {"ipv6_wildcard"}
    if condition.kind == "own_listener" and condition.family == 46:
        allowed |= {"covered_by_own_listener"}
    if condition.kind.startswith(("listener", "own_")) and condition.place in ("holder", "asker"):
        allowed |= {"wildcard_and_specific"}
    if condition.has_holder() and not sees_owner(condition):
        allowed |= UNKNOWN
        if condition.kind.startswith(("listener", "inherited")):
            allowed = allowed - {"listener_same_program", "inherited_listener"} | {"listener_other_program"}
    return allowed


def faults(condition: Condition, answer: Answer) -> list[str]:
    """Empty: the report is right."""
    event = answer.event()
    if event is not None and event["event"] == "ephemeral_listener" and condition.kind != "in_ephemeral_range":
        event = None
    if event is None:
        return [] if answer.errno is None else [f"{answer.call} failed with {answer.errno} and nothing was reported"]
    found = []
    if event["cause"] not in causes_of(condition):
        found.append(f"cause {event['cause']}: {event['sentence']}")
    false_words = FALSE_WORDS.get(condition.kind)
    if false_words and re.search(false_words, event["sentence"]):
        found.append(f"false words: {event['sentence']}")
    if event["cause"] == "unknown" and not event["missing"]:
        found.append("unknown, and `missing` does not say why")
    # Of a holder that is hidden there may be nothing that would work from here.
    if not event["cures"] and answer.errno is not None and sees_owner(condition) and event["cause"] != "sandbox":
        found.append("no cure")
    return found
