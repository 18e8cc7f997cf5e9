#!/usr/bin/python3 -B
"""The containers of examples/kubernetes/node.yaml and plan.yaml on a node that is played: its own processes, those of other
users, and a pod in a network of its own. Each command runs with the capabilities that its manifest names, and no others.

kubernetes_node_test.py FOLDER COMMAND      in network, mount and pid namespaces of its own
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import yaml

SKIP = 77
FOLDER, COMMAND = map(pathlib.Path, sys.argv[1:3])
PATIENCE_S = 30
NODE_ADDRESS = "127.0.0.1"
LISTEN = "import signal, socket\nserver = socket.create_server(('', {}))\nprint('ready', flush=True)\nsignal.pause()"
KUBELET = "#!/bin/sh\necho ready\nkill -STOP $$\n"


def containers(name: str, kind: str = "containers") -> dict[str, dict]:
    document = list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))[-1]
    return {container["name"]: container for container in document["spec"]["template"]["spec"][kind]}


def confined(capabilities: list[str], words: list[str]) -> list[str]:
    """As the runtime starts a container of root: whoever has no capability in the bounding set gets none by exec."""
    bounding = ",".join(["-all", *(f"+{name.lower()}" for name in capabilities)])
    return ["setpriv", "--no-new-privs", "--inh-caps=-all", f"--bounding-set={bounding}", "--", *words]


def findings_of(answer: dict) -> set[str]:
    return {finding["what"].partition(",")[0] for finding in answer["findings"] if finding["severity"] == "error"}


class Node(unittest.TestCase):
    def started(self, *words: str) -> int:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process.pid

    def listener(self, port: int, user: int, *before: str) -> int:
        return self.started(*before, "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "/usr/bin/python3",
                            "-c", LISTEN.format(port))

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.kubelet = self.folder / "kubelet"
        self.kubelet.write_text(KUBELET, encoding="utf-8")
        self.kubelet.chmod(0o755)
        self.path = f"{COMMAND.parent}:{os.environ['PATH']}"

    def run_confined(self, capabilities: list[str], words: list[str], **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(confined(capabilities, words), env={"PATH": self.path, "PORTGUARD_CONFIG": "/dev/null",
                                                                  **environment},
                              capture_output=True, text=True, check=False, timeout=PATIENCE_S)

    def check_with(self, capabilities: list[str]) -> dict:
        """One round of the loop in the manifest."""
        container = containers("node.yaml")["check"]
        self.assertIn("sleep 300\n", container["args"][0])
        script = container["args"][0].replace("sleep 300\n", "exit\n")
        finished = self.run_confined(capabilities, [*container["command"], script])
        self.assertEqual(finished.stderr, "")
        return json.loads(finished.stdout)

    def test_check_sees_all_with_its_capabilities_and_less_without_any_of_them(self) -> None:
        named = f"python3[{self.listener(40001, 1001)}] listens on port 40001"
        in_pod = f"python3[{self.listener(40002, 1002, 'unshare', '--net')}] listens on port 40002"
        capabilities = containers("node.yaml")["check"]["securityContext"]["capabilities"]["add"]
        answer = self.check_with(capabilities)
        self.assertEqual([clause for clause in answer["missing"] if "--sample" not in clause], [])
        self.assertIn(named, findings_of(answer))
        self.assertEqual([findings_of(other) for other in answer["namespaces"]], [{in_pod}])
        for left_out in capabilities:
            less = self.check_with([name for name in capabilities if name != left_out])
            self.assertNotEqual([clause for clause in less["missing"] if "--sample" not in clause], [], left_out)
            self.assertNotEqual((findings_of(less), less["namespaces"]), (findings_of(answer), answer["namespaces"]))

    def test_metrics_name_the_listeners_of_all_users_with_their_capabilities(self) -> None:
        self.listener(40001, 1001)
        container = containers("node.yaml")["metrics"]
        address = f"{NODE_ADDRESS}:{container['ports'][0]['hostPort']}"
        words = ["portguard", *(word.replace("$(NODE_ADDRESS)", NODE_ADDRESS) for word in container["args"])]
        server = subprocess.Popen(confined(container["securityContext"]["capabilities"]["add"], words),
                                  env={"PATH": self.path, "PORTGUARD_CONFIG": "/dev/null"})
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                with urllib.request.urlopen(f"http://{address}/metrics", timeout=PATIENCE_S) as answer:
                    text = answer.read().decode()
                break
            except OSError:
                self.assertIsNone(server.poll(), "it has ended")
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)
        self.assertRegex(text, r'(?m)^portguard_listeners\{[^}]*python3[^}]*\} ')

    def test_the_plan_keeps_connections_off_what_the_node_has(self) -> None:
        container = containers("plan.yaml", "initContainers")["plan"]
        self.assertTrue(container["securityContext"]["privileged"])
        mount, = container["volumeMounts"]
        settings = self.folder / "sysctl.d"
        settings.mkdir()
        subprocess.run(["mount", "--bind", settings, mount["mountPath"]], check=True)
        self.addCleanup(subprocess.run, ["umount", mount["mountPath"]], check=True)
        subprocess.run(["sysctl", "-qw", "net.ipv4.ip_local_port_range=10000 60999"], check=True)
        self.addCleanup(subprocess.run, ["sysctl", "-qw", "net.ipv4.ip_local_reserved_ports=",
                                         "net.ipv4.ip_local_port_range=32768 60999"], check=True)
        self.started(str(self.kubelet), "--read-only-port=0")
        ids = lambda answer: {finding["id"] for finding in json.loads(answer.stdout)["findings"]}
        check = ["portguard", "check", "--json"]
        self.assertIn("known-default", ids(self.run_confined(["SYS_PTRACE"], check)))
        # A node that starts again, or a newer image, runs it once more.
        for _ in range(2):
            applied = subprocess.run([COMMAND, *container["args"]], capture_output=True, text=True, check=False,
                                     timeout=PATIENCE_S, env={"PATH": self.path, "PORTGUARD_CONFIG": "/dev/null"})
            self.assertEqual(applied.returncode, 0, applied)
        self.assertNotIn("known-default", ids(self.run_confined(["SYS_PTRACE"], check)))
        self.assertEqual(len(list(settings.iterdir())), 1)

    def test_the_plugin_of_node_problem_detector_answers_by_its_protocol(self) -> None:
        config = json.loads((FOLDER / "node-problem-detector.json").read_text(encoding="utf-8"))
        rules = {rule["type"]: rule for rule in config["rules"]}

        def answer(rule: str) -> subprocess.CompletedProcess:
            words = [pathlib.Path(rules[rule]["path"]).name, *rules[rule]["args"]]
            finished = self.run_confined(["SYS_PTRACE", "DAC_READ_SEARCH"], words)
            self.assertRegex(finished.stdout, rf"\A.{{1,{config['pluginConfig']['max_output_length'] - 1}}}\n\Z")
            return finished

        well = answer("permanent")
        self.assertEqual((well.returncode, well.stdout), (0, config["conditions"][0]["message"] + "\n"))
        self.listener(8080, 1001)
        self.listener(40001, 1001)
        self.assertEqual((answer("permanent").returncode, answer("temporary").returncode), (1, 1))
        self.assertEqual(answer("permanent").stdout, "1 error: listener-in-ephemeral-range 40001\n")


if __name__ == "__main__":
    if os.geteuid() != 0 or os.getpid() > 100:
        print("no pid namespace of its own")
        sys.exit(SKIP)
    if subprocess.run(["setpriv", "--reuid=1001", "--regid=1001", "--clear-groups", "true"], check=False).returncode != 0:
        print("no other user can be had here")
        sys.exit(SKIP)
    unittest.main(argv=sys.argv[:1])
