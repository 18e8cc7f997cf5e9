"""Real clients by the thousands take no port of `listen`, whatever the method. PORTGUARD_TEST_METHOD names it;
PORTGUARD_TEST_BUILD is the build tree. tests/bench/outgoing-load does the same with all of the 200,000."""

import os
import unittest

import harness
import outgoing_load

# A share of the whole, so that it fits a test run.
TCP_SHARE = 25
UDP_SHARE = 25


class OutgoingLoadTest(unittest.TestCase):
    def setUp(self) -> None:
        harness.enter_new_network()
        outgoing_load.prepare_network()
        self.method = os.environ["PORTGUARD_TEST_METHOD"]
        self.build = os.environ["PORTGUARD_TEST_BUILD"]
        self.server = outgoing_load.Server(self.build)
        self.addCleanup(self.server.close)

    def measure(self, method: str, client: str, protocol: str, count: int) -> outgoing_load.Outcome:
        return outgoing_load.Load(self.build, self.server, method).measure(client, protocol, count)

    def test_no_connection_takes_a_port_of_listen(self) -> None:
        for client, whole in outgoing_load.TCP.items():
            with self.subTest(client=client):
                outcome = self.measure(self.method, client, "tcp", whole // TCP_SHARE)
                self.assertGreaterEqual(outcome.seen, whole // TCP_SHARE)
                self.assertEqual((outcome.inside, outcome.failed), (0, 0))

    def test_no_datagram_comes_from_a_port_of_listen(self) -> None:
        if self.method == "bind":
            return  # A socket that sends without connect is out of its reach: design 3.4 names the limit.
        for client, whole in outgoing_load.UDP.items():
            with self.subTest(client=client):
                outcome = self.measure(self.method, client, "udp", whole // UDP_SHARE)
                self.assertEqual((outcome.inside, outcome.failed), (0, 0))
                self.assertGreater(outcome.seen, 0)

    def test_without_us_some_do(self) -> None:
        """The control: the kernel would have given them away."""
        for protocol in ("tcp", "udp"):
            self.assertNotEqual(self.measure("plain", "cpp", protocol, 4000).inside, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
