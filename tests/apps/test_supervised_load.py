"""Thousands of connections of a real program under the supervisor, or both front ends, take no port of `listen`.
PORTGUARD_TEST_CLIENT names the one of supervised_load.CLIENTS, PORTGUARD_TEST_FRONT_END what guards it (supervisor),
PORTGUARD_TEST_BUILD is the build tree; PORTGUARD_TEST_CONNECTIONS, if given, is how many."""

import os
import unittest

import harness
import outgoing_load
import supervised_load

FRONT_END = os.environ.get("PORTGUARD_TEST_FRONT_END", "supervisor")
CLIENT = os.environ["PORTGUARD_TEST_CLIENT"]
# Most of it is `listen`: one after another, connections to one place are given ports in a row.
RANGE = (9000, 17999)
COUNT = int(os.environ.get("PORTGUARD_TEST_CONNECTIONS", supervised_load.CLIENTS[CLIENT]))


class SupervisedLoadTest(unittest.TestCase):
    def setUp(self) -> None:
        harness.enter_new_network()
        outgoing_load.prepare_network()
        harness.set_ephemeral_range(*RANGE)
        self.server = outgoing_load.Server(os.environ["PORTGUARD_TEST_BUILD"])
        self.addCleanup(self.server.close)

    def measure(self, method: str, count: int) -> outgoing_load.Outcome:
        load = supervised_load.SupervisedLoad(os.environ["PORTGUARD_TEST_BUILD"], self.server, method)
        self.addCleanup(load.close)
        return load.measure(CLIENT, "tcp", count)

    def test_no_connection_takes_a_port_of_listen(self) -> None:
        outcome = self.measure(FRONT_END, COUNT)
        print(f"{outcome.seen:,} connections, {outcome.inside} of `listen`, in {outcome.seconds:.1f} s", flush=True)
        self.assertGreaterEqual(outcome.seen, COUNT)
        self.assertEqual((outcome.inside, outcome.failed), (0, 0))

    def test_without_us_some_do(self) -> None:
        """The control: the kernel would have given them away."""
        harness.set_ephemeral_range(*outgoing_load.LISTEN)
        self.assertNotEqual(self.measure("plain", 100).inside, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
