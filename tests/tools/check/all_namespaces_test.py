#!/usr/bin/python3 -B
"""`portguard check --all-namespaces` on a node with pods: network namespaces behind its addresses.

all_namespaces_test.py COMMAND       in network, mount and pid namespaces of its own, so that no other test's are seen
"""

import json
import os
import pathlib
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import unittest

SKIP = 77
COMMAND = sys.argv[1]
NOBODY = 65534
HOST_PORT = 51871
# Stops by itself, so that there is no child to look for.
COMPONENT = "#!/bin/sh\necho ready\nkill -STOP $$\n"
SENDER = """
    import signal, socket, sys
    kind = socket.SOCK_DGRAM if sys.argv[1] == "udp" else socket.SOCK_STREAM
    sender = socket.socket(socket.AF_INET, kind)
    sender.bind(("", int(sys.argv[2])))
    if len(sys.argv) > 3:
        sender.connect((sys.argv[3], int(sys.argv[4])))
    print("ready", flush=True)
    signal.pause()
    """
# Says what port it was asked from.
ANSWERING = """
    import socket
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("", 53))
    print("ready", flush=True)
    while True:
        _, asker = server.recvfrom(99)
        server.sendto(str(asker[1]).encode(), asker)
    """
ASKING = """
    import socket, sys
    asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asker.bind(("", int(sys.argv[1])))
    asker.sendto(b"who", ("10.9.2.2", 53))
    print(asker.recv(99).decode(), flush=True)
    """


def call(*words: str) -> None:
    subprocess.run(words, check=True, timeout=30)


def check(*words: str, status: int | None = None, command: str = COMMAND, **kwargs) -> dict:
    finished = subprocess.run([command, "check", *words, "--json"], text=True, capture_output=True, check=False, timeout=60,
                              env={**os.environ, "PORTGUARD_CONFIG": "/dev/null"}, **kwargs)
    assert finished.stderr == "", finished.stderr
    assert status is None or finished.returncode == status, (finished.returncode, finished.stdout)
    return json.loads(finished.stdout)


def make_pod(name: str, number: int) -> None:
    """Behind the node, as a network plugin does it."""
    call("ip", "netns", "add", name)
    call("ip", "link", "add", f"v{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
    call("ip", "addr", "add", f"10.9.{number}.1/24", "dev", f"v{number}")
    call("ip", "link", "set", f"v{number}", "up")
    call("ip", "-n", name, "addr", "add", f"10.9.{number}.2/24", "dev", "eth0")
    for link in ("eth0", "lo"):
        call("ip", "-n", name, "link", "set", link, "up")
    call("ip", "-n", name, "route", "add", "default", "via", f"10.9.{number}.1")


class AllNamespaces(unittest.TestCase):
    def setUp(self) -> None:
        make_pod("web", 1)
        self.addCleanup(call, "ip", "netns", "delete", "web")
        # A namespace that nobody has is taken down some time later.
        self.addCleanup(call, "ip", "link", "delete", "v1")

    def started(self, *words: str) -> int:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process.pid

    def sender(self, pod: str, *words: str) -> int:
        prefix = ["ip", "netns", "exec", pod] if pod else []
        return self.started(*prefix, "/usr/bin/python3", "-c", textwrap.dedent(SENDER), *words)

    def tunnel(self, port: int) -> None:
        made = subprocess.run(["ip", "link", "add", "tunnel", "type", "vxlan", "id", "7", "dstport", str(port), "local",
                               "10.9.1.1"], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            self.skipTest("this kernel has no VXLAN: " + made.stderr)
        self.addCleanup(call, "ip", "link", "delete", "tunnel")
        call("ip", "link", "set", "tunnel", "up")

    def other(self, name: str, answer: dict) -> dict:
        found = [entry for entry in answer["namespaces"] if entry["name"] == name]
        self.assertEqual(len(found), 1, answer["namespaces"])
        return found[0]

    def finding(self, entry: dict, name: str) -> dict | None:
        found = [finding for finding in entry["findings"] if finding["id"] == name]
        self.assertLessEqual(len(found), 1)
        return found[0] if found else None

    def test_a_pods_source_port_that_meets_a_host_udp_port_is_found(self) -> None:
        self.sender("", "udp", "4789")
        pid = self.sender("web", "udp", "4789", "10.9.1.1", "53")
        entry = self.other("web", check("--all-namespaces", status=1))
        found = self.finding(entry, "pod-port-meets-host-port")
        self.assertEqual((found["ports"], [process["pid"] for process in found["processes"]]), ("4789", [pid]))
        self.assertIn("sends from UDP port 4789, which python3[", found["what"])
        self.assertEqual((entry["pid"], entry["path"]), (pid, f"/proc/{pid}/ns/net"))
        self.assertEqual(entry["described"], f"'web', python3[{pid}]")

    def test_what_meets_nothing_is_not_found(self) -> None:
        self.sender("", "udp", "4789")
        self.sender("", "udp", "5353")
        # A server of the pod, as one of the host; a client on another port; one of TCP.
        self.sender("web", "udp", "5353")
        self.sender("web", "udp", "4790", "10.9.1.1", "53")
        self.sender("web", "tcp", "4789")
        check("--all-namespaces", status=0)

    def test_a_tunnel_of_the_kernel_is_kept_out_of_a_pods_range_by_the_command_that_is_named(self) -> None:
        self.tunnel(HOST_PORT)
        self.assertIsNone(check()["namespaces"], "they were not asked for")
        found = self.finding(self.other("web", check("--all-namespaces", status=1)), "host-port-in-range-of-pod")
        self.assertEqual(found["ports"], str(HOST_PORT))
        subprocess.run(["sh", "-c", found["fix"]], check=True, stdout=subprocess.DEVNULL)
        check("--all-namespaces", status=0)

    def test_masquerade_keeps_a_port_that_the_host_has_which_has_the_answer_where_it_is_not_tracked(self) -> None:
        """Why pod-port-meets-host-port is worth a warning: what it says of the kernel, seen."""
        make_pod("world", 2)
        self.addCleanup(call, "ip", "netns", "delete", "world")
        self.addCleanup(call, "ip", "link", "delete", "v2")
        call("sysctl", "-qw", "net.ipv4.ip_forward=1")
        if subprocess.run(["nft", "add", "table", "ip", "pods"], capture_output=True, check=False).returncode != 0:
            self.skipTest("this kernel has no nf_tables")
        self.addCleanup(call, "nft", "delete", "table", "ip", "pods")
        for rule in ("chain ip pods post { type nat hook postrouting priority 100; }",
                     "rule ip pods post ip saddr 10.9.1.0/24 masquerade",
                     "chain ip pods pre { type filter hook prerouting priority -300; }",
                     "rule ip pods pre udp dport 51872 notrack"):
            call("nft", "add", rule)
        self.started("ip", "netns", "exec", "world", "/usr/bin/python3", "-c", textwrap.dedent(ANSWERING))
        for port, seen in ((51871, "pod 51871"), (51872, "host 51872")):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host:
                host.bind(("", port))
                pod = subprocess.Popen(["ip", "netns", "exec", "web", "/usr/bin/python3", "-c", textwrap.dedent(ASKING),
                                        str(port)], stdout=subprocess.PIPE)
                ready = select.select([host, pod.stdout], [], [], 30)[0]
                got = (host if host in ready else pod.stdout).fileno()
                text = ("host " if host in ready else "pod ") + os.read(got, 99).decode().strip()
                pod.kill()
                pod.communicate()
            self.assertEqual(text, seen, "who has the answer, and from which port of the host the world was asked")

    def test_a_source_port_among_the_node_ports_is_found(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            server = pathlib.Path(folder, "kube-apiserver")
            server.write_text(COMPONENT, encoding="utf-8")
            server.chmod(0o755)
            self.started(str(server), "--service-node-port-range=30000-32700")
            self.sender("web", "udp", "30500", "10.9.1.1", "53")
            found = self.finding(self.other("web", check("--all-namespaces", status=1)), "pod-port-in-node-port-range")
            self.assertEqual(found["ports"], "30500")
            self.assertIn("(--service-node-port-range of kube-apiserver[", found["what"])

    def test_a_service_with_a_network_of_its_own_is_behind_no_address_of_the_host(self) -> None:
        self.tunnel(HOST_PORT)
        alone = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up; echo ready; exec sleep 60"],
                                 stdout=subprocess.PIPE, text=True)
        self.addCleanup(alone.communicate)
        self.addCleanup(alone.kill)
        self.assertEqual(alone.stdout.readline(), "ready\n")
        answer = check("--all-namespaces")
        entry = next(entry for entry in answer["namespaces"] if entry["pid"] == alone.pid)
        self.assertIsNone(self.finding(entry, "host-port-in-range-of-pod"))

    def test_a_server_of_a_pod_is_judged_by_the_range_of_the_pod_and_named_with_what_enters_it(self) -> None:
        self.started("ip", "netns", "exec", "web", "/usr/bin/python3", "-c",
                     "import signal, socket\nserver = socket.create_server(('', 40000))\nprint('ready', flush=True)\nsignal.pause()")
        call("sysctl", "-qw", "net.ipv4.ip_local_port_range=50000 60000")
        self.addCleanup(call, "sysctl", "-qw", "net.ipv4.ip_local_port_range=32768 60999")
        answer = check("--all-namespaces", status=1)
        entry = self.other("web", answer)
        found = self.finding(entry, "listener-in-ephemeral-range")
        self.assertTrue(found["fix"].startswith(f"nsenter --net --target {entry['pid']} sysctl -w "), found)
        self.assertEqual([finding["severity"] for finding in answer["findings"] if finding["severity"] != "note"], [])
        line = subprocess.run([COMMAND, "check", "--all-namespaces", "--problem-detector"], text=True, capture_output=True,
                              check=False)
        self.assertEqual((line.returncode, line.stdout), (1, "1 error: listener-in-ephemeral-range 40000\n"))

    def test_fifty_are_each_looked_into_once_and_explained_once(self) -> None:
        self.tunnel(HOST_PORT)
        names = [f"pod{number}" for number in range(49)]
        for number, name in enumerate(names):
            call("ip", "netns", "add", name)
            self.addCleanup(call, "ip", "netns", "delete", name)
            call("ip", "-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", "other")
            call("ip", "-n", name, "link", "set", "eth0", "up")
            call("ip", "-n", name, "addr", "add", f"10.10.{number}.2/24", "dev", "eth0")
        answer = check("--all-namespaces", status=1)
        self.assertEqual(sorted(entry["name"] for entry in answer["namespaces"]), sorted([*names, "web"]))
        text = subprocess.run([COMMAND, "check", "--all-namespaces"], text=True, capture_output=True, check=False).stdout
        self.assertEqual(text.count("Each network namespace has its own"), 1)
        self.assertEqual(text.count("host-port-in-range-of-pod"), 50)
        self.assertTrue(all(len(line) <= 80 for line in text.splitlines() if "sysctl" not in line), text)

    def test_without_privilege_it_says_how_many_were_not_entered_and_why(self) -> None:
        def become() -> None:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)

        self.sender("web", "udp", "4790")
        # The folder of the build may be closed to others.
        folder = self.enterContext(tempfile.TemporaryDirectory())
        os.chmod(folder, 0o755)
        command = shutil.copy(COMMAND, folder)
        answer = check("--all-namespaces", command=command, preexec_fn=become)
        self.assertEqual(answer["namespaces"], [])
        self.assertIn("1 network namespace (entering them takes CAP_SYS_ADMIN; run as root)", answer["missing"])
        self.assertTrue(any(clause.startswith("the network namespaces of ") and "CAP_SYS_PTRACE" in clause
                            for clause in answer["missing"]), answer["missing"])

    def test_a_name_that_holds_no_namespace_any_more_is_left_out(self) -> None:
        pathlib.Path("/run/netns/stale").touch()
        self.addCleanup(os.unlink, "/run/netns/stale")
        self.assertEqual([entry["name"] for entry in check("--all-namespaces", status=0)["namespaces"]], ["web"])


if __name__ == "__main__":
    if os.geteuid() != 0 or os.getpid() > 100:
        print("no pid namespace of its own")
        sys.exit(SKIP)
    if subprocess.run(["setpriv", "--reuid=1001", "--regid=1001", "--clear-groups", "true"], check=False).returncode != 0:
        print("no other user can be had here")
        sys.exit(SKIP)
    pathlib.Path("/run/netns").mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "none", "/run/netns"], check=False).returncode != 0:
        print("no mount namespace of its own")
        sys.exit(SKIP)
    unittest.main(argv=sys.argv[:1])
