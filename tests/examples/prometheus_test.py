#!/usr/bin/python3 -B
"""The rules and the dashboard of examples/prometheus name what the command exports, and Debian's prometheus, which scrapes
the command and node_exporter's textfile collector, sees each condition begin and end.

prometheus_test.py FOLDER COMMAND CORPUS       in a network of its own
"""

import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

FOLDER, COMMAND, CORPUS = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
EVENT = pathlib.Path(CORPUS, "outgoing_connection.json").read_text(encoding="utf-8").splitlines()[0]
PROGRAMS = ("prometheus", "prometheus-node-exporter", "promtool")
ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "PORTGUARD_CONFIG": "/dev/null", "LC_ALL": "C.UTF-8"}
PATIENCE_S = 60
RANGE = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
TIME_WAIT_LIMIT = pathlib.Path("/proc/sys/net/ipv4/tcp_max_tw_buckets")
PLAN = "--plan=10000-10009"
# 50 ports.
LOW, HIGH = 40000, 40049


def exported(record: str) -> set[str]:
    """Every metric, also one that has no sample here."""
    text = subprocess.run([COMMAND, "metrics", "--text", record], env=ENVIRONMENT, text=True, capture_output=True,
                          check=False).stdout
    return set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))


def named_in(text: str) -> set[str]:
    return set(re.findall(r"\bportguard_\w+", text))


class Files(unittest.TestCase):
    def promtool(self, *words: str) -> None:
        finished = subprocess.run(["promtool", *words], cwd=FOLDER, text=True, capture_output=True, check=False)
        self.assertEqual(finished.returncode, 0, finished)

    def test_promtool_takes_them_and_every_rule_is_tried(self) -> None:
        self.promtool("check", "config", "prometheus.yml")
        self.promtool("check", "rules", "alerts.yml")
        self.promtool("test", "rules", "alerts_test.yml")
        alerts = set(re.findall(r"- alert: (\w+)", (FOLDER / "alerts.yml").read_text()))
        fired = set(re.findall(r"alertname: (\w+)\n +exp_alerts:\n", (FOLDER / "alerts_test.yml").read_text()))
        self.assertEqual(fired, alerts)

    def test_what_they_name_is_exported(self) -> None:
        with tempfile.NamedTemporaryFile() as record:
            there = exported(record.name)
        for name in ("alerts.yml", "dashboard.json"):
            named = named_in((FOLDER / name).read_text())
            self.assertTrue(named)
            self.assertEqual(named - there, set(), name)
        self.assertEqual(there - named_in((FOLDER / "README.md").read_text()), {"portguard_time_wait_sockets_limit"})

    def test_the_dashboard_is_one_that_grafana_imports(self) -> None:
        board = json.loads((FOLDER / "dashboard.json").read_text())
        self.assertTrue({"title", "uid", "schemaVersion", "panels", "templating", "time"} <= set(board))
        self.assertNotIn("id", board)
        self.assertEqual(len({panel["id"] for panel in board["panels"]}), len(board["panels"]))
        taken = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, panel["title"])
            taken |= cells
            self.assertTrue(panel["targets"], panel["title"])
            self.assertEqual(len({target["refId"] for target in panel["targets"]}), len(panel["targets"]))

    def test_prometheus_parses_each_query_of_the_dashboard(self) -> None:
        board = json.loads((FOLDER / "dashboard.json").read_text())
        queries = [target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")
                   for panel in board["panels"] for target in panel["targets"]]
        rules = {"groups": [{"name": "queries", "rules": [{"record": f"query_{number}", "expr": query}
                                                          for number, query in enumerate(queries)]}]}
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump(rules, file)
            file.flush()
            self.promtool("check", "rules", file.name)


class Alerts(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="portguard-test-", ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.record = self.folder / "events.log"
        self.record.write_text("")
        RANGE.write_text(f"{LOW} {HIGH}")
        self.written = 0.0
        self.kept = []
        self.addCleanup(lambda: [each.close() for each in self.kept])
        self.start("prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile",
                   f"--collector.textfile.directory={self.folder}", "--web.listen-address=127.0.0.1:9100")
        self.served = self.serve()
        self.start("prometheus", f"--config.file={self.configure()}", f"--storage.tsdb.path={self.folder}/data",
                   "--web.listen-address=127.0.0.1:9090", "--log.level=error")

    def start(self, *words: str) -> subprocess.Popen:
        log = (self.folder / f"{os.path.basename(words[0])}.out").open("w")
        self.addCleanup(log.close)
        process = subprocess.Popen(words, env=ENVIRONMENT, stdout=log, stderr=subprocess.STDOUT)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def serve(self) -> subprocess.Popen:
        return self.start(COMMAND, "metrics", "--listen=127.0.0.1:9798", PLAN, str(self.record))

    def replaced(self, name: str, *pairs: tuple[str, str]) -> str:
        text = (FOLDER / name).read_text()
        for old, new in pairs:
            self.assertIn(old, text)
            text = text.replace(old, new)
        return text

    def configure(self) -> str:
        """The files of the example, with a second for what are minutes there."""
        rules = self.replaced("alerts.yml", ("for: 1m", "for: 0s"), ("for: 15m", "for: 0s"), ("[10m]", "[5s]"))
        (self.folder / "alerts.yml").write_text(rules)
        config = self.replaced("prometheus.yml", ("_interval: 15s", "_interval: 1s"))
        (self.folder / "prometheus.yml").write_text(config)
        return str(self.folder / "prometheus.yml")

    def tick(self) -> None:
        """What the timer of node_exporter's textfile does."""
        if time.monotonic() - self.written >= 1:
            subprocess.run([COMMAND, "metrics", f"--textfile={self.folder}/ports.prom", f"--state={self.folder}/state", PLAN,
                            str(self.record)], env=ENVIRONMENT, check=False, timeout=PATIENCE_S)
            self.written = time.monotonic()
        time.sleep(0.2)

    def firing(self) -> set[tuple[str, str]]:
        """Names, and the jobs whose metrics say so."""
        client = http.client.HTTPConnection("127.0.0.1", 9090, timeout=PATIENCE_S)
        try:
            client.request("GET", "/api/v1/alerts")
            alerts = json.load(client.getresponse())["data"]["alerts"]
            return {(alert["labels"]["alertname"], alert["labels"]["job"]) for alert in alerts if alert["state"] == "firing"}
        except (OSError, http.client.HTTPException, ValueError):
            return {("not yet up", "")}
        finally:
            client.close()

    def wait(self, is_reached, what: str, each_time=lambda: None) -> None:
        end = time.monotonic() + PATIENCE_S
        seen = set()
        while time.monotonic() < end:
            self.tick()
            each_time()
            seen = self.firing()
            if is_reached(seen):
                return
        outputs = {path.name: path.read_text()[-2000:] for path in self.folder.glob("*.out")}
        self.fail(f"{what}: {seen} {outputs}")

    def begins(self, alert: str, jobs: tuple[str, ...] = ("node", "portguard"), each_time=lambda: None) -> None:
        self.wait(lambda seen: {(alert, job) for job in jobs} <= seen, f"{alert} does not begin", each_time)

    def ends(self, alert: str) -> None:
        self.wait(lambda seen: ("not yet up", "") not in seen and alert not in {name for name, _ in seen},
                  f"{alert} does not end")

    def connect(self, server: socket.socket) -> None:
        if len(self.kept) < 2 * 42:
            self.kept += [socket.create_connection(server.getsockname()), server.accept()[0]]

    def test_each_alert_begins_with_its_condition_and_ends_with_it(self) -> None:
        self.wait(lambda seen: not seen, "nothing is wrong at first")
        with socket.create_server(("127.0.0.1", HIGH)):
            self.begins("PortCollision")
        self.ends("PortCollision")

        with socket.create_server(("127.0.0.1", 10000)) as server:
            self.begins("EphemeralPortsExhaustedSoon", each_time=lambda: self.connect(server))
            self.begins("EphemeralPortsNearlyUsedUp", each_time=lambda: self.connect(server))
            self.ends("EphemeralPortsExhaustedSoon")
            # Without TIME_WAIT: the server's end goes first, by a reset.
            for each in self.kept:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                each.close()
            self.ends("EphemeralPortsNearlyUsedUp")

        with self.record.open("a") as record:
            record.write(EVENT + "\n")
        self.begins("AddressInUse")
        self.ends("AddressInUse")

        limit = TIME_WAIT_LIMIT.read_text()
        # Each scrape leaves one.
        TIME_WAIT_LIMIT.write_text("5")
        self.begins("TimeWaitNearLimit")
        TIME_WAIT_LIMIT.write_text(limit)
        self.ends("TimeWaitNearLimit")

        self.record.rename(self.folder / "elsewhere")
        self.begins("PortRecordUnread")
        (self.folder / "elsewhere").rename(self.record)
        self.ends("PortRecordUnread")

        self.served.kill()
        self.served.wait()
        self.begins("PortMetricsStale", ("portguard",))
        self.serve()
        self.ends("PortMetricsStale")


if __name__ == "__main__":
    for program in PROGRAMS:
        if shutil.which(program) is None:
            print(f"{program} is not installed")
            sys.exit(77)
    unittest.main(argv=sys.argv[:1])
