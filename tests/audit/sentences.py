"""How a cure is carried out that is no command: what is built or asked otherwise for it. One that is not here fails."""

import dataclasses
import re

from asking import peers
from stage import NAMES

FREE_PORT = 7900
FREE = r"(?: \((?P<port>\d+) is free\))?"


# What another user, or another namespace, is to look at.
OUTSIDE_LOOK = r"as root of the host, outside this pid namespace: (portguard who (?:--udp )?\d+)"


class UnknownCure(Exception):
    """A sentence that the audit does not know how to try."""


@dataclasses.dataclass
class Change:
    """A sentence, as a whole; its group `port` is the one to ask for."""
    pattern: str
    condition: dict = dataclasses.field(default_factory=dict)
    ask: dict = dataclasses.field(default_factory=dict)
    # Of the asker's environment.
    variables: dict = dataclasses.field(default_factory=dict)
    # An errno that is what the cure is for.
    errno: str | None = None
    # What was in the way is said to have gone.
    is_nothing: bool = False


ANOTHER_PORT = {"port": FREE_PORT}
FIRST_PEER = {"address": lambda family: peers(family)[0]}
OTHER_ADDRESS = {"address": lambda family: peers(family)[1]}

CHANGES = (
    # Ports and addresses.
    Change(rf"one of the two on another port{FREE} or address", ask=ANOTHER_PORT),
    Change(rf"or one of the two on another port{FREE}", ask=ANOTHER_PORT),
    Change(rf"another port for the child{FREE}, or none: it was started by who listens there", ask=ANOTHER_PORT),
    Change(rf"start the child without SERVER_PORT, or with another port in it{FREE}", ask=ANOTHER_PORT),
    Change(rf"bind both to single addresses, or one of them to another port{FREE}", condition={"place": "neither"},
           ask=OTHER_ADDRESS),
    Change(r"move the server to a port of (?:\d+,)*?(?P<port>\d{4,5})-[-\d,]*" + r"(?: \(\d+ is free\))?"),
    Change(r"an address that is here \(`ip address`\), or start the program after the network", ask=FIRST_PEER),
    Change(r"an IPv4 address in the program's configuration, or IPv6 switched on at boot",
           ask={"family": 4, "address": "127.0.0.1"}),
    Change(r"AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit, or a port from (?P<port>\d+) on"),
    # The program's sockets.
    Change(r"close the other socket first, or bind once", condition={"alone": True}),
    Change(r"IPV6_V6ONLY on the IPv6 socket, or no IPv4 socket beside it", condition={"alone": True}),
    Change(r"or only the \[::\] socket, and none for IPv4", condition={"alone": True}),
    Change(r"IPV6_V6ONLY on the IPv6 socket before bind \(nginx: ipv6only=on; Python: "
           r"create_server\(dualstack_ipv6=False\)\)", condition={"v6only": True}),
    Change(r"run both as the same user|make both sockets as one user, before the process changes it",
           condition={"holder_uid": None}),
    Change(r"open the listening socket with SOCK_CLOEXEC, so that children do not keep it", condition={"cloexec": True}),
    Change(r"SO_REUSEADDR before (?:bind in the server|bind in the program|listen in the server: an MPTCP connection "
           r"takes it no more)", condition={"holder_flags": "+a", "asker_flags": "+a"}),
    # Who holds it.
    Change(r"stop what made process 1 listen \(a socket unit, the container's command\); process 1 itself ends all "
           r"others with it", condition={"alone": True}),
    Change(r"in the program that connects, at its next start: no bind before connect, or another source port",
           condition={"alone": True}),
    Change(r"start it again", is_nothing=True),
    # Ports that the kernel chooses.
    Change(r"let the kernel choose the port: connect without bind, or bind to port 0", ask={"port": 0, "flags": ""}),
    Change(r"IP_BIND_ADDRESS_NO_PORT on the socket before bind: connect then chooses the port "
           r"\(setsockopt\(IPPROTO_IP, 24, 1\)\)", ask={"no_port": True, "peers": peers}),
    Change(r"spread the connections over more destination or source addresses", ask={"peers": peers}),
    Change(r"bind to more source addresses: each has ports of its own", ask={"addresses": peers}),
    Change(r"keep connections open and use them again, or let the server close them first", ask={"count": 1}),
    # What forbids it.
    Change(r"in whoever sets the Landlock ruleset up: a rule with LANDLOCK_ACCESS_NET_BIND_TCP for port \d+",
           ask={"sandbox": None}),
    Change(r"SocketBindAllow=\d+ or SystemCallFilter= in the unit, if that is who set the filter up",
           ask={"sandbox": None}),
    Change(r"PORTGUARD_DENY_ERRNO=EADDRINUSE for a program that tries one port after another",
           variables={"PORTGUARD_DENY_ERRNO": "EADDRINUSE"}, errno="EADDRINUSE"),
    # Unix sockets.
    Change(r"another path for one of the two", ask={"name": NAMES + "/other"}),
    Change(r"another name for one of the two", ask={"name": "@other"}),
    Change(r"unlink the path before bind in the program, once a connect to it says ECONNREFUSED", ask={"unlink": True}),
)


def change_for(text: str) -> tuple[Change, dict]:
    """And the port to ask for, where it names one."""
    for change in CHANGES:
        if found := re.fullmatch(change.pattern, text):
            port = found.groupdict().get("port")
            return change, {} if port is None else {"port": int(port)}
    raise UnknownCure("a cure that the audit does not know how to try")
