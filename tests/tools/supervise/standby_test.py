#!/usr/bin/python3 -B
"""The supervisor is killed (SIGKILL), and its program notices nothing.
usage: as in supervising.py"""

import os
import signal
import subprocess

from supervising import DEADLINE, HELD, PLAN, SERVER, Supervised, run_tests, supervised, supervisors_of, wait_until


class TheStandby(Supervised):
    def killed_again_and_again(self, turns: int, options, call) -> None:
        process = subprocess.Popen(supervised(SERVER, *[word for turn in range(turns) for word in ("wait", call(turn))],
                                              options=[*PLAN, "--log=none", *options]),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        dead = 0
        for turn in range(turns):
            wait_until(lambda: len(supervisors_of(process.pid)) == 2 and dead not in supervisors_of(process.pid),
                       "a server and its standby")
            dead = supervisors_of(process.pid)[turn % 2]
            os.kill(dead, signal.SIGKILL)
            process.stdin.write("x")
            process.stdin.flush()
            self.assertIn(process.stdout.readline(), ("%s ok\n" % call(turn), "%s EACCES\n" % call(turn)))
        process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 0)

    def test_goes_on_where_the_server_is_killed(self) -> None:
        self.killed_again_and_again(30, [], lambda turn: str((5000 if turn % 3 else 7000) + turn))

    def test_answers_a_call_whose_server_was_killed_while_it_had_it(self) -> None:
        """Killed again and again, beside a program that does nothing but such calls."""
        script = HELD + "print('ready', flush=True)\nsys.stdin.read(1)\nfor port in range(5000, 5400): " \
                        "assert (attempt(port), attempt(port + 2000)) == ('ok', '13')\nprint('done')"
        process = subprocess.Popen(supervised("/usr/bin/python3", "-c", script, options=[*PLAN, "--log=none"]),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.stdin.write("x")
        process.stdin.flush()
        dead = killed = 0
        while process.poll() is None:
            alive = supervisors_of(process.pid)
            if len(alive) == 2 and dead not in alive:
                dead = alive[0]
                try:
                    os.kill(dead, signal.SIGKILL)
                    killed += 1
                except ProcessLookupError:
                    pass
        self.assertEqual(process.communicate()[0], "done\n")
        self.assertGreater(killed, 3)
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    run_tests()
