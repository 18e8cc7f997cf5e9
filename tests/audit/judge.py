"""What a report may say of a condition: the causes that are true of it, and facts that it must have right."""

import os
import re

from conditions import Condition
from asking import Answer
from stage import Stage

CAUSES = {
    "listener": {"listener_other_program"},
    "listener_same_program": {"listener_same_program"},
    "listener_v6only": {"listener_other_program"},
    "listener_on_device": {"listener_other_program"},
    "listener_group": {"listener_other_program"},
    "listener_preforked": {"listener_other_program"},
    "listener_stopped": {"listener_other_program"},
    "listener_ignores_sigterm": {"listener_other_program"},
    "listener_in_pid_namespace": {"listener_other_program"},
    "listener_is_first_process": {"listener_other_program"},
    "listener_is_parent": {"listener_ancestor"},
    "listener_is_parent_by_variable": {"listener_ancestor"},
    "listener_with_client": {"listener_other_program"},
    "listener_with_deaf_client": {"listener_other_program"},
    "inherited": {"inherited_listener"},
    "bound": {"bound_only"},
    "udp_connected": {"udp_holder"},
    "udp_group": {"udp_holder"},
    "hold": {"reserved_by_hold"},
    "outgoing": {"outgoing_connection"},
    "outgoing_chosen": {"outgoing_connection"},
    "outgoing_time_wait": {"outgoing_time_wait"},
    "self_connected": {"self_connected"},
    "self_connected_given": {"self_connected"},
    "accepted_established": {"dying_server"},
    "accepted_close_wait": {"dying_server"},
    "accepted_deaf": {"dying_server"},
    "accepted_deaf_close_wait": {"dying_server"},
    "accepted_fin_wait2": {"dying_server"},
    "accepted_time_wait": {"own_time_wait"},
    "orphan_fin_wait1": {"orphaned_connection"},
    "orphan_fin_wait2": {"orphaned_connection"},
    "orphan_last_ack": {"orphaned_connection"},
    "orphan_closing": {"orphaned_connection"},
    "second_listen": {"second_listen"},
    "own_listener": {"self"},
    "own_bound": {"self"},
    "privileged": {"privileged_port"},
    "privileged_by_sysctl": {"privileged_port"},
    "landlocked": {"sandbox"},
    "filtered": {"sandbox"},
    "no_address": {"no_such_address"},
    "ipv6_disabled": {"ipv6_disabled"},
    "outside_plan": {"outside_plan"},
    "in_ephemeral_range": {"ephemeral_range"},
    "exhausted_connect": {"no_port_left"},
    "exhausted_bind": {"no_port_left"},
    "four_tuple": {"four_tuple_in_use"},
    "four_tuple_time_wait": {"four_tuple_in_use"},
    "unix_listener": {"unix_listener"},
    "unix_abstract": {"unix_listener"},
    "unix_datagram": {"unix_bound"},
    "unix_in_network_namespace": {"unix_bound"},
    "unix_stale": {"unix_stale"},
    "unix_folder": {"unix_not_a_socket"},
    "unix_regular_file": {"unix_not_a_socket"},
    "unix_symbolic_link": {"unix_not_a_socket"},
}

# Which side opened it is not seen of a socket that cannot be borrowed, nor of a TIME_WAIT: then either is allowed to
# be called possible.
EITHER = {"outgoing": "connection", "outgoing_chosen": "connection", "accepted": "connection"}

# Of these kinds a sentence with such words is false.
FALSE_WORDS = {
    "outgoing_chosen": r"was given this port",
    "self_connected": r"was given this port|accepted",
    "accepted_established": r"outgoing connection of",
    "inherited": r"the same program",
}
# Of the sentence, where the flag is not so.
FLAG_WORDS = (
    ("holder", "p", True, r"its socket has no SO_REUSEPORT|, without SO_REUSEPORT, which this"),
    ("holder", "p", False, r"with SO_REUSEPORT, (?!which this socket has)"),
    ("holder", "a", True, r"its socket has no SO_REUSEADDR"),
    ("asker", "a", True, r"this socket has no SO_REUSEADDR|this socket has neither"),
    ("asker", "p", True, r"SO_REUSEPORT, which this socket does not have|this socket has neither"),
    ("asker", "p", False, r"SO_REUSEPORT, which this socket has"),
)
# Kinds whose sockets do not all have the flags of the condition.
OTHER_FLAGS = ("own_", "unix_", "second_listen", "hold", "four_tuple", "exhausted_", "listener_with_", "accepted_",
               "orphan_")


def sees_owner(condition: Condition) -> bool:
    return not condition.pid_namespace and condition.asker_uid in (0, condition.holder_uid)


def shows_bound_sockets() -> bool:
    """Since Linux 6.8."""
    return tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2]) >= (6, 8)


def causes_of(condition: Condition) -> set[str]:
    allowed = set(CAUSES[condition.kind])
    if condition.kind in ("bound", "own_bound", "hold") and condition.protocol == "tcp" and not shows_bound_sockets():
        return {"unseen_holder"}
    if condition.has_holder() and not sees_owner(condition):
        hidden = {"listener_same_program", "inherited_listener", "listener_ancestor"}
        allowed = {"listener_other_program" if cause in hidden else cause for cause in allowed}
        allowed |= {cause for prefix, cause in EITHER.items() if condition.kind.startswith(prefix)
                    and not condition.kind.endswith("time_wait")}
    if condition.kind == "accepted_time_wait":
        allowed |= {"time_wait"}
    both_share = "p" in condition.holder_flags and "p" in condition.asker_flags
    if condition.has_holder() and both_share and condition.holder_uid != condition.asker_uid and sees_owner(condition):
        allowed |= {"reuseport_other_user"}
    if condition.kind in ("bound", "own_bound") and condition.protocol == "udp":
        allowed = allowed - {"bound_only"} | {"udp_holder"}
    if condition.kind in ("listener", "bound", "own_listener") and condition.family in (46, 64):
        allowed = allowed & {"reuseport_other_user"} | {"ipv6_wildcard"}
    if condition.kind == "own_listener" and condition.family == 46:
        allowed |= {"covered_by_own_listener"}
    if condition.kind.startswith(("listener", "own_")) and condition.place in ("holder", "asker"):
        allowed |= {"wildcard_and_specific"}
    # A file that may not be written cannot be connected to.
    if condition.kind in ("unix_stale", "unix_in_network_namespace") and condition.asker_uid not in (0, condition.holder_uid):
        allowed = {"unknown"}
    return allowed


def fact_faults(condition: Condition, stage: Stage, event: dict) -> list[str]:
    found = []
    sentence = event["sentence"]
    has_flags = not condition.kind.startswith(OTHER_FLAGS) and condition.has_holder()
    for whose, flag, is_of_set, words in FLAG_WORDS:
        is_set = flag in (condition.holder_flags if whose == "holder" else condition.asker_flags)
        if has_flags and is_set == is_of_set and re.search(words, sentence):
            found.append(f"a flag is not so: {sentence}")
    for holder in event["holders"]:
        if has_flags and holder.get("local") is not None:
            for flag, name in (("a", "reuseaddr"), ("p", "reuseport")):
                if holder[name] is not None and holder[name] != (flag in condition.holder_flags):
                    found.append(f"{name} of the holder is shown as {holder[name]}")
        if holder.get("uid") is not None and has_flags and holder["uid"] != condition.holder_uid:
            found.append(f"the holder's uid is shown as {holder['uid']}")
        for owner in holder["owners"]:
            if not condition.kind.startswith(("own_", "listener_is_", "second_listen", "exhausted_")) \
                    and owner["pid"] not in stage.pids and not condition.pid_namespace:
                found.append("a process is named that holds nothing")
    if has_flags and condition.protocol in ("tcp", "udp"):
        asked = event["socket"]
        for flag, name in (("a", "reuseaddr"), ("p", "reuseport")):
            if asked[name] is not None and asked[name] != (flag in condition.asker_flags):
                found.append(f"{name} of the asker is shown as {asked[name]}")
    return found


def faults(condition: Condition, stage: Stage, answer: Answer) -> list[str]:
    """Empty: the report is right."""
    event = answer.event()
    if event is not None and event["event"] == "ephemeral_listener" and condition.kind != "in_ephemeral_range":
        event = None
    if event is None:
        return [] if answer.errno is None else [f"{answer.call} failed with {answer.errno} and nothing was reported"]
    found = [] if event["event"] == "cured" else fact_faults(condition, stage, event)
    if event["cause"] not in causes_of(condition):
        found.append(f"cause {event['cause']}: {event['sentence']}")
    false_words = FALSE_WORDS.get(condition.kind)
    if false_words and re.search(false_words, event["sentence"]):
        found.append(f"false words: {event['sentence']}")
    if event["cause"] == "unknown" and not event["missing"]:
        found.append("unknown, and `missing` does not say why")
    if event["event"] != "cured" and not event["evidence"] and event["cause"] != "unknown":
        found.append("a cause without evidence")
    if not event["cures"] and answer.errno is not None:
        found.append("no cure")
    return found
