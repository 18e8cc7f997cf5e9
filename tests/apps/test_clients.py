"""A thousand connections of a real client take no port of `listen`. PORTGUARD_TEST_CLIENT names the one of clients.ALL.

The kernel's range covers listen ports, and is so small that connect() left alone goes through all of its even ports:
1,000 of them, of which 250 are listen ports."""

import os
import unittest

import answering_server
import clients
import harness

COUNT = 1000
RANGE = (14500, 16499)
LISTEN_HIGH = 14999
# A thousand starts of redis-cli took 18 s on two cores at a load average of 17.
DEADLINE = 120.0


class ClientTest(harness.AppTest):
    def setUp(self) -> None:
        super().setUp()
        harness.set_ephemeral_range(*RANGE)
        self.server = answering_server.AnsweringServer()
        self.addCleanup(self.server.close)
        self.command = clients.ALL[os.environ["PORTGUARD_TEST_CLIENT"]](self.server.port, COUNT)

    def listen_ports_taken_by(self, command: list[str]) -> list[int]:
        client = self.start(command)
        harness.wait_until(client.ended, "the end of the client", client, DEADLINE)
        self.assertEqual(client.process.returncode, 0, client.printed())
        self.assertTrue(client.is_silent_about_us(), client.printed())
        self.assertEqual(len(self.server.peer_ports), COUNT)
        return [port for port in self.server.peer_ports if port <= LISTEN_HIGH]

    def test_takes_no_port_of_listen(self) -> None:
        self.assertEqual(self.listen_ports_taken_by(harness.guarded(self.command, harness.PLAN)), [])

    def test_without_us_takes_some(self) -> None:
        """The control: the kernel would have given them away."""
        self.assertNotEqual(self.listen_ports_taken_by(self.command), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
