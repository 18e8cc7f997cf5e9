"""Four conflicts over ports, each without and with portguard. Run by ./run, in a network namespace.

usage: story.py PORTGUARD_COMMAND
"""

import contextlib
import pathlib
import sys
import tempfile

import page
import processes
from processes import Program

HERE = pathlib.Path(__file__).parent
PYTHON = "/usr/bin/python3"

# Twenty ports, of which the kernel gives connect() the even ones first: after ten connections, 10000 is taken for
# certain. The upper ten are what is left when 10000-10009 is kept for listeners, so ten connections still fit.
KERNEL_RANGE = (10000, 10019)
CONNECTIONS = 10
PLAN = ["--listen=5000-10009", "--ephemeral=10010-65000"]
REDIS_PORT = 7000
NGINX_PORT = 10000
PLAIN_PORT = 8000
STRAY_PORT = 10015


class Story:
    def __init__(self, portguard: str, folder: pathlib.Path) -> None:
        self.portguard = portguard
        self.folder = folder
        self.table = page.Table()

    def guarded(self, command: list[str], options: list[str]) -> list[str]:
        return [self.portguard, "run", *options, "--", *command]

    def redis(self, port: int) -> list[str]:
        return ["/usr/bin/redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "",
                "--dir", str(self.folder), "--logfile", str(self.folder / f"redis-{port}.log")]

    def nginx(self) -> list[str]:
        config = (HERE / "nginx.conf").read_text().replace("FOLDER", str(self.folder))
        path = self.folder / "nginx.conf"
        path.write_text(config)
        return ["/usr/sbin/nginx", "-e", "stderr", "-c", str(path)]

    def connect_many(self) -> list[str]:
        return [PYTHON, str(HERE / "connect_many.py"), str(CONNECTIONS), str(REDIS_PORT)]

    def meet(self, b_command: list[str], c_command: list[str]) -> dict:
        """B opens its connections to A, then C has to listen."""
        processes.enter_new_network(KERNEL_RANGE)
        with contextlib.ExitStack() as stack:
            a = stack.enter_context(Program(self.redis(REDIS_PORT)))
            processes.must_start(a, REDIS_PORT)
            b = stack.enter_context(Program(b_command, answers=True))
            ports = b.read_line()
            if not ports:
                raise SystemExit("The story stopped, B did not connect: " + " ".join(b.printed()))
            c = stack.enter_context(Program(c_command))
            started = processes.starts(c, NGINX_PORT)
            return {
                "given": "yes" if str(NGINX_PORT) in ports.split() else "no",
                "c": "starts" if started and processes.serves_http(NGINX_PORT) else "fails",
                "echo": b.ask(f"{ports.split()[0]} hello") == "hello",
                "said": [f"B is given {ports}", nginx_refusal(c) or f"nginx serves on {NGINX_PORT}"],
                "guard": b.guard_lines() + c.guard_lines(),
            }

    def split(self) -> None:
        page.heading("a", f"A is redis on {REDIS_PORT}. B opens {CONNECTIONS} connections to it. "
                     f"C is nginx and has to listen on {NGINX_PORT}.")
        without = self.meet(self.connect_many(), self.nginx())
        guarded = self.meet(self.guarded(self.connect_many(), PLAN), self.guarded(self.nginx(), PLAN))
        page.side_by_side(without["said"], guarded["said"])
        page.printed_by_portguard(guarded["guard"])
        self.table.add(f"a   B is given {NGINX_PORT}", ("yes", "no"), (without["given"], guarded["given"]))
        self.table.add(f"a   nginx listens on {NGINX_PORT}", ("fails", "starts"), (without["c"], guarded["c"]))

    def courtesy(self) -> None:
        page.heading("a'", "The same, and B has no plan: only its connections are marked as ready to share. "
                     "nginx runs without portguard.")
        without = self.meet(self.connect_many(), self.nginx())
        guarded = self.meet(self.guarded(self.connect_many(), []), self.nginx())
        echo = f"B's connection from {NGINX_PORT} still echoes: "
        page.side_by_side(without["said"], guarded["said"] + [echo + ("yes" if guarded["echo"] else "no")])
        page.printed_by_portguard(guarded["guard"])
        self.table.add(f"a'  B is given {NGINX_PORT}", ("yes", "yes"), (without["given"], guarded["given"]))
        self.table.add("a'  nginx listens over B's connection", ("fails", "starts"), (without["c"], guarded["c"]))
        self.table.add("a'  B's connection still echoes", ("yes", "yes"),
                       ("yes" if without["echo"] else "no", "yes" if guarded["echo"] else "no"))

    def restart(self, command: list[str]) -> dict:
        """Kills a server with three clients connected and starts it again."""
        processes.enter_new_network(KERNEL_RANGE)
        client = [PYTHON, str(HERE / "hang_up.py"), str(PLAIN_PORT)]
        with Program(command) as first:
            processes.must_start(first, PLAIN_PORT)
            with Program(client) as clients:
                processes.wait_until(lambda: clients.line_with("connected"), "three connected clients")
                first.kill()
                processes.wait_until(lambda: processes.sockets(PLAIN_PORT, processes.TIME_WAIT) == 3,
                                     "three connections in TIME_WAIT")
        seconds = processes.longest_time_wait(PLAIN_PORT)
        with Program(command) as second:
            started = processes.starts(second, PLAIN_PORT)
            said = second.line_with("Errno") or f"serves on {PLAIN_PORT} again"
            return {"outcome": "starts" if started else "fails", "said": [f"TIME_WAIT for {seconds} s more", said],
                    "guard": second.guard_lines()}

    def time_wait(self) -> None:
        page.heading("b", f"A server on {PLAIN_PORT} that does not set SO_REUSEADDR is killed while three clients "
                     "are connected, and started again.")
        command = [PYTHON, str(HERE / "plain_server.py"), str(PLAIN_PORT)]
        without = self.restart(command)
        guarded = self.restart(self.guarded(command, PLAN))
        page.side_by_side(without["said"], guarded["said"])
        page.printed_by_portguard(guarded["guard"])
        self.table.add("b   the server starts again", ("fails", "starts"), (without["outcome"], guarded["outcome"]))

    def stray_once(self, command: list[str]) -> dict:
        processes.enter_new_network(KERNEL_RANGE)
        log_file = self.folder / f"redis-{STRAY_PORT}.log"
        log_file.write_text("")
        with Program(command) as redis:
            started = processes.starts(redis, STRAY_PORT)
            log = log_file.read_text().splitlines()
            refusals = [line.split("# ", 1)[-1] for line in log if "Could not create" in line]
            return {"outcome": "let in" if started else "refused", "guard": redis.guard_lines(),
                    "said": refusals or [f"redis serves on {STRAY_PORT}, and nobody notices"]}

    def stray(self) -> None:
        page.heading("c", f"A redis with the hard-coded port {STRAY_PORT}, which the kernel may give away at any "
                     "time while it is down.")
        without = self.stray_once(self.redis(STRAY_PORT))
        guarded = self.stray_once(self.guarded(self.redis(STRAY_PORT), PLAN))
        page.side_by_side(without["said"], guarded["said"])
        page.printed_by_portguard(guarded["guard"])
        told_why = any("refused" in line and str(STRAY_PORT) in line for line in guarded["guard"])
        self.table.add(f"c   redis on {STRAY_PORT}", ("let in", "refused"), (without["outcome"], guarded["outcome"]))
        self.table.add("c   somebody is told why", ("no", "yes"),
                       ("yes" if without["guard"] else "no", "yes" if told_why else "no"))


def nginx_refusal(nginx: Program) -> str:
    """Its own words behind the time and the pid."""
    return nginx.line_with("failed (").partition(": ")[2]


def main() -> int:
    low, high = KERNEL_RANGE
    print(f"The kernel gives outgoing connections ports of {low}-{high} here: few, so that no")
    print("luck is needed. Each half runs in a network namespace of its own.")
    print(f"The plan: {' '.join(option.lstrip('-') for option in PLAN)}")
    with tempfile.TemporaryDirectory(prefix="portguard-story-") as folder:
        story = Story(sys.argv[1], pathlib.Path(folder))
        story.split()
        story.courtesy()
        story.time_wait()
        story.stray()
    story.table.print()
    as_told = story.table.as_told()
    print("\nEverything went as told." if as_told else "\nNot everything went as told.")
    return 0 if as_told else 1


sys.exit(main())
