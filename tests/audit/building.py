"""What is built for each kind of condition."""

import os
import signal
import subprocess

from sockets import listening
from stage import FIRST_UNPRIVILEGED, NAMES, PEER_PORT, PLAIN_PORT, PORT, NotBuilt, Stage, run, set_sysctl

# Where outgoing connections of a condition get their ports: few, so that one of them can be met again.
RANGE = (7100, 7107)
# Of those that meet themselves: the destination's port among them.
SELF_RANGE = (PORT, PORT + 7)
SELF_TRIES = 200
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
# The port that is asked for where it is not PORT.
PORTS = {"privileged": 80, "outside_plan": 6500, "in_ephemeral_range": PLAIN_PORT}


def build(stage: Stage) -> None:
    condition = stage.condition
    family, kind = condition.holder_family(), condition.kind
    stage.spec = {"protocol": condition.protocol, "family": family, "flags": condition.holder_flags,
                  "address": condition.holder_address(), "port": PORT, "cloexec": condition.cloexec,
                  "v6only": condition.v6only or kind == "listener_v6only",
                  "name": "@audit" if kind == "unix_abstract" else NAMES + "/s"}
    stage.port = PORTS.get(kind, PORT)
    builder = BUILDERS.get(kind) or next((of for prefix, of in BUILDERS_BY_PREFIX if kind.startswith(prefix)), None)
    if builder is not None and not (condition.alone and kind.startswith(("listener", "udp_group"))):
        builder(stage)


def listener(stage: Stage, prefix=(), **changes) -> None:
    stage.hold(prefix=prefix, role="listen", **(stage.spec | changes))


def stopped(stage: Stage) -> None:
    listener(stage)
    for pid in stage.holder_pids():
        os.kill(pid, signal.SIGSTOP)


def first_process(stage: Stage) -> None:
    stage.own_socket = listening(stage.spec)


def of_child(stage: Stage) -> None:
    """asking.py starts the parent."""


def with_client(stage: Stage) -> None:
    state = "deaf" if "deaf" in stage.condition.kind else "established"
    stage.hold(role="serve", listens=True, state=state, peer=LOOPBACK[stage.condition.holder_family()], **stage.spec)


def group(stage: Stage) -> None:
    for _ in range(2):
        stage.hold(role="listen" if stage.condition.protocol == "tcp" else "bind", **stage.spec)


def hold(stage: Stage) -> None:
    holder = subprocess.Popen([stage.portguard(), "hold", str(PORT), "--for=1h"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    stage.holders.append(holder)
    if not holder.stdout.readline().startswith(b"ready"):
        raise NotBuilt("portguard hold")


def served(stage: Stage) -> None:
    state = stage.condition.kind.removeprefix("accepted_")
    stage.hold(prefix=stage.dialer_prefix, role="serve", state=state, peer=LOOPBACK[stage.condition.holder_family()],
               **stage.spec)
    if state.startswith(("orphan_", "time_wait", "close_wait", "fin_wait2")):
        stage.wait_for_state(state.removeprefix("orphan_").replace("_", "-").replace("wait1", "wait-1").replace(
            "wait2", "wait-2"))


def self_connected(stage: Stage) -> None:
    given = stage.condition.kind.endswith("given")
    if given:
        set_sysctl("ipv4/ip_local_port_range", f"{SELF_RANGE[0]} {SELF_RANGE[1]}")
    start_self_connected(stage, given)


def start_self_connected(stage: Stage, given: bool) -> None:
    changes = {"tries": SELF_TRIES} if given else {"no_bind": True} if stage.condition.alone else {}
    address = LOOPBACK[stage.condition.holder_family()]
    said = stage.hold(prefix=stage.dialer_prefix, role="self_connect", **(stage.spec | changes | {"address": address}))
    stage.met_itself = said["port"] != 0


def start_target(stage: Stage) -> None:
    """Who connections go to."""
    family, kind = stage.condition.holder_family(), stage.condition.kind
    protocol = "tcp" if stage.condition.protocol == "udp" else stage.condition.protocol
    target = {"role": "accept_all", "address": {4: "0.0.0.0", 6: "::"}[family], "port": PEER_PORT, "protocol": protocol,
              "family": family, "v6only": family == 6, "follow": kind.endswith("time_wait")}
    stage.line_of(stage.start(target, "server.py"))


def outgoing(stage: Stage) -> None:
    condition, kind = stage.condition, stage.condition.kind
    start_target(stage)
    chosen = kind == "outgoing_chosen"
    if not chosen:
        set_sysctl("ipv4/ip_local_port_range", f"{RANGE[0]} {RANGE[1]}")
    stage.dialed = stage.spec | {"role": "dial", "peer": LOOPBACK[condition.holder_family()], "peer_port": PEER_PORT,
                                 "port": PORT if chosen and not condition.alone else 0,
                                 "hang_up": kind == "outgoing_time_wait"}
    port = stage.hold(prefix=stage.dialer_prefix, **stage.dialed)["port"]
    stage.port = PORT if condition.alone else port
    if kind == "outgoing_time_wait":
        stage.wait_for_state("time-wait")


def exhausted(stage: Stage) -> None:
    start_target(stage)
    set_sysctl("ipv4/ip_local_port_range", f"{RANGE[0]} {RANGE[0] + 1}")


def four_tuple(stage: Stage) -> None:
    start_target(stage)
    # Else one second of TIME_WAIT is enough on a loopback address.
    set_sysctl("ipv4/tcp_tw_reuse", "0")


def left_file(stage: Stage) -> None:
    kind = stage.condition.kind
    stage.hold(role="leave_file", **(stage.spec | {"protocol": "unix" if kind == "unix_stale" else kind}))


BUILDERS = {
    "listener_same_program": lambda stage: stage.hold("endpoint.py", role="listen", **stage.spec),
    "listener_on_device": lambda stage: listener(stage, device="lo"),
    "listener_group": group,
    "udp_group": group,
    "listener_preforked": lambda stage: listener(stage, children=2),
    "listener_stopped": stopped,
    "listener_ignores_sigterm": lambda stage: listener(stage, ignores_sigterm=True),
    "listener_in_pid_namespace": lambda stage: listener(stage, prefix=["unshare", "--pid", "--fork", "--kill-child"]),
    "listener_is_first_process": first_process,
    "listener_is_parent": of_child,
    "listener_is_parent_by_variable": of_child,
    "listener_with_client": with_client,
    "listener_with_deaf_client": with_client,
    "inherited": lambda stage: stage.hold(role="bequeath", **stage.spec),
    "bound": lambda stage: stage.hold(role="bind", **stage.spec),
    "udp_connected": lambda stage: stage.hold(role="bind", peer=LOOPBACK[stage.condition.holder_family()], **stage.spec),
    "hold": hold,
    "privileged_by_sysctl": lambda stage: set_sysctl("ipv4/ip_unprivileged_port_start", str(FIRST_UNPRIVILEGED)),
    "ipv6_disabled": lambda stage: run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"),
    "unix_datagram": lambda stage: stage.hold(role="bind", **(stage.spec | {"protocol": "unix_datagram"})),
    "unix_in_network_namespace": lambda stage: listener(stage, prefix=["unshare", "--net"]),
    "unix_stale": left_file,
    "unix_folder": left_file,
    "unix_regular_file": left_file,
    "unix_symbolic_link": left_file,
    "unix_listener": listener,
    "unix_abstract": listener,
}
BUILDERS_BY_PREFIX = (("listener", listener), ("accepted_", served), ("orphan_", served), ("outgoing", outgoing),
                      ("exhausted_", exhausted), ("four_tuple", four_tuple), ("self_connected", self_connected))


# Who holds the port is to be kept off it at its next start.
STARTED_AGAIN = ("outgoing", "outgoing_time_wait", "self_connected_given")


def start_again(stage: Stage) -> None:
    """The holders end and start anew: outgoing ones take every port that they are given now."""
    port, kind = stage.port, stage.condition.kind
    stage.end_holders()
    if kind == "self_connected_given":
        start_self_connected(stage, True)
    else:
        start_target(stage)
        stage.hold(prefix=stage.dialer_prefix, **(stage.dialed | {"count": RANGE[1] - RANGE[0] + 1, "hang_up": False}))
    stage.port = port
