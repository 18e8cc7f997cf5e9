#!/usr/bin/python3 -B
"""The supervisor is killed (SIGKILL), and its program notices nothing.
usage: as in supervising.py"""

import os
import signal
import subprocess

from supervising import DEADLINE, HELD, PLAN, SERVER, Supervised, run_tests, supervised, supervisors_of, wait_until


def kill_one(program: int, killed_before: int, index: int) -> int:
    """Of a server and its standby, once both are there."""
    alive: list[int] = []

    def are_two() -> bool:
        alive[:] = supervisors_of(program)
        return len(alive) == 2 and killed_before not in alive

    wait_until(are_two, "a server and its standby")
    os.kill(alive[index], signal.SIGKILL)
    return alive[index]


class TheStandby(Supervised):
    def killed_again_and_again(self, turns: int, options, call) -> None:
        process = subprocess.Popen(supervised(SERVER, *[word for turn in range(turns) for word in ("wait", call(turn))],
                                              options=[*PLAN, "--log=none", *options]),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        dead = 0
        for turn in range(turns):
            dead = kill_one(process.pid, dead, turn % 2)
            process.stdin.write("x")
            process.stdin.flush()
            self.assertIn(process.stdout.readline(), ("%s ok\n" % call(turn), "%s EACCES\n" % call(turn)))
        process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 0)

    def test_goes_on_where_the_server_is_killed(self) -> None:
        self.killed_again_and_again(30, [], lambda turn: str((5000 if turn % 3 else 7000) + turn))

    def test_answers_a_call_whose_server_was_killed_while_it_had_it(self) -> None:
        """Beside a program that does nothing but such calls, one of which has been answered between any two kills: a call that
        has cost two servers is the program's own (take_over)."""
        kills = 12
        script = HELD + """import itertools, select
for turn in itertools.count():
    attempts = (attempt(5000 + turn % 400), attempt(7000 + turn % 400))
    assert attempts == ("ok", "13"), attempts
    print(turn, flush=True)
    if select.select([sys.stdin], [], [], 0)[0]:
        break
"""
        process = subprocess.Popen(supervised("/usr/bin/python3", "-c", script, options=[*PLAN, "--log=none"]),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        os.set_blocking(process.stdout.fileno(), False)
        dead = 0
        for _ in range(kills):
            self.wait_for_a_new_turn(process)
            dead = kill_one(process.pid, dead, 0)
        self.wait_for_a_new_turn(process)
        process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 0)

    def wait_for_a_new_turn(self, process) -> None:
        while process.stdout.read():
            pass
        wait_until(lambda: process.poll() is not None or process.stdout.read(), "another answer")
        self.assertIsNone(process.poll(), "it has ended, as an answer was wrong")


if __name__ == "__main__":
    run_tests()
