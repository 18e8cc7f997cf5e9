"""What the victim does (fault_victim.cpp), in which network, and how it may end."""

import dataclasses
import errno
import pathlib
import socket
import time

RANGE = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
BUSY, LINGERING, SERVER = 10001, 10002, 10004
# TIME_WAIT lasts 60 s.
LINGERS_S = 40
OPTIONS = {"PORTGUARD_LISTEN": "10000-19999", "PORTGUARD_EPHEMERAL": "40000-50000", "PORTGUARD_FORMAT": "json",
           "PORTGUARD_BUDGET_MS": "10000", "PORTGUARD_CONFIG": "/dev/null"}
# Of the program itself: how often which call after the first mark is not ours.
ALWAYS = 10**6


@dataclasses.dataclass
class Situation:
    """`ends`: how the call may end, and the event that goes with it. What cannot be had costs the cure, and a socket that
    cannot be asked about is left to the kernel: both are what happens without us."""
    ends: dict[int, str]
    own: dict[str, int]
    options: dict[str, str] = dataclasses.field(default_factory=dict)


SITUATIONS = {
    "in_use": Situation({errno.EADDRINUSE: "in_use"}, {"bind": 1}),
    # A cure leaves the errno of the first try: to put it back would mean to read it before every bind.
    "cured": Situation({0: "cured", errno.EADDRINUSE: "in_use"}, {"bind": 1}),
    "cured_listen": Situation({0: "cured", errno.EADDRINUSE: "in_use"}, {"listen": 1}),
    "refused": Situation({errno.EACCES: "refused", 0: ""}, {"bind": ALWAYS}),
    "listen": Situation({0: ""}, {"listen": 1}),
    "connect": Situation({0: ""}, {"connect": 1}),
    "connect_by_bind": Situation({0: ""}, {"connect": 1}, options={"PORTGUARD_RANGE_METHOD": "bind"}),
    "port_zero": Situation({0: ""}, {"bind": 1}),
    "port_zero_by_bind": Situation({0: ""}, {"bind": ALWAYS}, options={"PORTGUARD_RANGE_METHOD": "bind"}),
    "datagram": Situation({0: ""}, {"socket": 1, "connect": 1, "close": ALWAYS}),
    "datagram_by_bind": Situation({0: ""}, {"socket": 1, "connect": 1, "close": ALWAYS},
                                  options={"PORTGUARD_RANGE_METHOD": "bind"}),
}


class Network:
    """A port in use, one in TIME_WAIT, and a server."""

    def __init__(self) -> None:
        RANGE.write_text("10000 60000", encoding="ascii")
        self.busy = socket.create_server(("127.0.0.1", BUSY))
        self.server = socket.create_server(("127.0.0.1", SERVER), backlog=4096)
        self.made = -float(LINGERS_S)

    def refresh(self) -> None:
        """A TIME_WAIT with time left, and a server with room in its queue."""
        self.server.setblocking(False)
        try:
            while True:
                self.server.accept()[0].close()
        except BlockingIOError:
            pass
        if time.monotonic() - self.made < LINGERS_S:
            return
        with socket.create_server(("127.0.0.1", LINGERING), reuse_port=False) as listener:
            client = socket.create_connection(("127.0.0.1", LINGERING))
            accepted = listener.accept()[0]
            accepted.close()
            client.close()
        self.made = time.monotonic()
