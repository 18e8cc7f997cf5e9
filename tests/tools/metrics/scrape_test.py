#!/usr/bin/python3 -B
"""`portguard metrics` on real sockets and records: printed, as a textfile, and served.

scrape_test.py COMMAND CORPUS       in a network of its own
"""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

COMMAND, CORPUS = sys.argv[1:3]
EVENT = pathlib.Path(CORPUS, "outgoing_connection.json").read_text(encoding="utf-8").splitlines()[0]
ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "PORTGUARD_CONFIG": "/dev/null", "LC_ALL": "C.UTF-8"}
PATIENCE_S = 20
SERVED = 9798


def run(*words: str, **changes: str) -> subprocess.CompletedProcess:
    return subprocess.run([COMMAND, "metrics", *words], env=ENVIRONMENT | changes, text=True, capture_output=True,
                          timeout=60, check=False)


def samples(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^([^#].*) (\S+)$", text, re.MULTILINE)}


def ask(request: bytes) -> str:
    with socket.create_connection(("127.0.0.1", SERVED), timeout=PATIENCE_S) as client:
        client.sendall(request)
        parts = []
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts).decode()


def get(accept: str = "*/*") -> str:
    return ask(f"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: {accept}\r\n\r\n".encode())


class InFolder(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="portguard-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.record = self.folder / "events.log"
        self.record.write_text(EVENT + "\n")
        self.state = self.folder / "state"

    def listen(self, port: int) -> socket.socket:
        server = socket.create_server(("127.0.0.1", port))
        self.addCleanup(server.close)
        return server

    def refused(self, finished: subprocess.CompletedProcess, status: int, *parts: str) -> None:
        self.assertEqual((finished.returncode, finished.stderr.count("\n")), (status, 1), finished)
        for part in ("portguard: ", *parts):
            self.assertIn(part, finished.stderr)


class Printed(InFolder):
    def test_promtool_finds_nothing_wrong(self) -> None:
        self.listen(10000)
        text = run("--text", "--plan=10000-10009", "--state", str(self.state), str(self.record)).stdout
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))

    def test_it_counts_what_check_finds(self) -> None:
        self.listen(40000)
        self.listen(40001)
        self.listen(10000)
        words = ["--plan=10000-10009"]
        found = samples(run(*words).stdout)
        self.assertEqual(found['portguard_collision_ports{id="listener-in-ephemeral-range"}'], 2)
        self.assertEqual(found['portguard_plan_ports{state="held"}'], 1)
        self.assertEqual(found['portguard_plan_ports{state="free"}'], 9)
        checked = subprocess.run([COMMAND, "check", "--json", "--listen=10000-10009"], env=ENVIRONMENT, text=True,
                                 capture_output=True, check=False)
        ids = {}
        for finding in json.loads(checked.stdout)["findings"]:
            key = (finding["id"], finding["severity"])
            # What needs a look into the program.
            if finding["id"] != "listener-without-reuseaddr":
                ids[key] = ids.get(key, 0) + 1
        shown = {tuple(re.findall('="(.*?)"', name)): value for name, value in found.items() if "_findings{" in name}
        self.assertEqual(shown, ids)

    def test_it_names_listeners_by_process_and_one_namespace_by_label(self) -> None:
        self.listen(10000)
        found = samples(run(f"--netns={os.getpid()}").stdout)
        name = [each for each in found if each.startswith("portguard_listeners{")]
        self.assertEqual(len(name), 1, found)
        self.assertIn('protocol="tcp",process="scrape_test.py",unit="', name[0])
        self.assertTrue(all(f'{{netns="{os.getpid()}"' in each for each in found))

    def test_the_use_of_a_destination_and_the_time_that_is_left(self) -> None:
        server = self.listen(10000)
        pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("40000 40099")
        self.addCleanup(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text, "32768 60999")
        kept = []
        self.addCleanup(lambda: [each.close() for each in kept])
        labels = '{protocol="tcp",address="127.0.0.1",port="10000"}'
        for round_ in range(2):
            for _ in range(5):
                kept += [socket.create_connection(server.getsockname()), server.accept()[0]]
            found = samples(run(f"--state={self.state}").stdout)
            self.assertEqual(found[f"portguard_ephemeral_destination_ports{labels}"], 5 * round_ + 5)
            self.assertEqual(f"portguard_ephemeral_exhaustion_seconds{labels}" in found, round_ == 1)
        self.assertEqual(found["portguard_ephemeral_ports"], 100)

    def test_no_event_counts_twice(self) -> None:
        name = 'portguard_events_total{cause="outgoing_connection"}'
        words = [f"--state={self.state}", str(self.record)]
        self.assertEqual([samples(run(*words).stdout)[name] for _ in range(2)], [1, 1])
        with self.record.open("a") as record:
            record.write(EVENT + "\n")
        self.assertEqual(samples(run(*words).stdout)[name], 2)

    def test_a_look_touches_no_program(self) -> None:
        self.listen(10000)
        trace = self.folder / "trace"
        finished = subprocess.run(["strace", "-f", "-o", str(trace), COMMAND, "metrics", "--plan=10000-10009",
                                   f"--state={self.state}", str(self.record)], env=ENVIRONMENT, text=True,
                                  capture_output=True, check=False)
        if "PTRACE_TRACEME" in finished.stderr:
            self.skipTest("strace may not trace here")
        called = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))
        self.assertIn("readlinkat", called)
        self.assertEqual(called & {"ptrace", "pidfd_open", "pidfd_getfd", "process_vm_readv", "kill", "tgkill", "setsockopt",
                                   "kcmp", "bind", "connect"}, set())


class BadInput(InFolder):
    def exposed(self, finished: subprocess.CompletedProcess) -> dict[str, float]:
        found = samples(finished.stdout)
        self.assertIn("portguard_ephemeral_ports", found)
        return found

    def test_a_record_that_cannot_be_read(self) -> None:
        for path, reason in (("/nowhere", "No such file"), (str(self.folder), "not a plain file")):
            finished = run(path, str(self.record))
            self.refused(finished, 1, path, reason)
            found = self.exposed(finished)
            self.assertEqual(found[f'portguard_unread_records{{record="{path}"}}'], 1)
            self.assertEqual(found['portguard_events_total{cause="outgoing_connection"}'], 1)

    def test_a_record_with_a_line_that_is_cut_off(self) -> None:
        self.record.write_text(EVENT + "\n" + EVENT[:99] + "\n" + EVENT + "\n")
        finished = run(str(self.record))
        self.refused(finished, 1, "1 line that is not an event", "portguard events")
        found = self.exposed(finished)
        self.assertEqual(found['portguard_events_total{cause="outgoing_connection"}'], 2)
        self.assertEqual(found["portguard_unreadable_lines_total"], 1)

    def test_a_record_that_shrank(self) -> None:
        self.record.write_text(EVENT + "\n" + EVENT + "\n")
        words = [f"--state={self.state}", str(self.record)]
        run(*words)
        self.record.write_text(EVENT + "\n")
        finished = run(*words)
        self.refused(finished, 1, "shrank", "from its start")
        self.assertEqual(self.exposed(finished)['portguard_events_total{cause="outgoing_connection"}'], 3)

    def test_a_state_that_is_damaged_is_replaced_by_a_whole_one(self) -> None:
        words = [f"--state={self.state}", str(self.record)]
        self.state.write_text('{"version":1,')
        finished = run(*words)
        self.refused(finished, 1, "the state is damaged", str(self.state))
        self.assertEqual(self.exposed(finished)['portguard_events_total{cause="outgoing_connection"}'], 1)
        self.assertEqual(run(*words).returncode, 0)

    def test_a_state_that_cannot_be_written(self) -> None:
        finished = run("--state=/nowhere/state", str(self.record))
        self.refused(finished, 1, "the state cannot be written", "/nowhere/state")
        self.exposed(finished)

    def test_a_textfile_that_cannot_be_written(self) -> None:
        self.refused(run("--textfile=/nowhere/ports.prom"), 1, "/nowhere/ports.prom", "No such file", "textfile.directory")
        self.refused(run("--textfile=/dev/null"), 1, "not a plain file")

    def test_an_address_in_use_is_explained(self) -> None:
        self.listen(10000)
        self.refused(run("--listen=127.0.0.1:10000"), 1, "EADDRINUSE", f"[{os.getpid()}] 127.0.0.1:10000 LISTEN",
                     "`portguard who 10000`")
        self.refused(run("--listen=192.0.2.1:10000"), 1, "EADDRNOTAVAIL", "ip address")

    def test_what_means_nothing_is_refused(self) -> None:
        self.refused(run("--journal"), 2, "--state=FILE")
        self.refused(run("--listen=systemd"), 2, "LISTEN_FDS")
        self.refused(run("--listen=systemd", LISTEN_FDS="1", LISTEN_PID="1"), 2, "LISTEN_FDS")
        self.refused(run("--textfile=a", "--listen=127.0.0.1:1"), 2, "--listen")


class Textfile(InFolder):
    def test_it_is_replaced_whole_and_readable_for_all(self) -> None:
        path = self.folder / "ports.prom"
        path.write_text("old")
        before = path.stat().st_ino
        self.assertEqual(run(f"--textfile={path}").returncode, 0)
        self.assertNotEqual(path.stat().st_ino, before)
        self.assertEqual(path.stat().st_mode & 0o7777, 0o644)
        self.assertNotIn("# EOF", path.read_text())
        self.assertEqual([each.name for each in self.folder.glob("ports*")], ["ports.prom"])


class Served(InFolder):
    def start(self, *words: str, **options) -> subprocess.Popen:
        process = subprocess.Popen([COMMAND, "metrics", *words], env=ENVIRONMENT, text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, **options)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def test_the_format_goes_by_accept(self) -> None:
        self.start(f"--listen=127.0.0.1:{SERVED}", str(self.record))
        open_metrics = get("application/openmetrics-text;version=1.0.0,*/*;q=0.1")
        self.assertIn("\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n", open_metrics)
        self.assertTrue(open_metrics.endswith("# EOF\n"))
        plain = get()
        self.assertIn("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n", plain)
        self.assertNotIn("# EOF", plain)
        self.assertIn("portguard_events_total", plain)

    def test_other_requests(self) -> None:
        self.start(f"--listen=127.0.0.1:{SERVED}")
        head = ask(b"HEAD /metrics HTTP/1.1\r\n\r\n")
        self.assertTrue(head.startswith("HTTP/1.1 200 ") and head.endswith("\r\n\r\n"), head)
        self.assertTrue(ask(b"GET / HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 404 "))
        self.assertTrue(ask(b"PUT /metrics HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 405 "))
        self.assertTrue(ask(b"GET /metrics HTTP/1.1\r\nA: " + 9000 * b"a").startswith("HTTP/1.1 431 "))

    def test_slow_and_many_clients_keep_nobody_from_an_answer(self) -> None:
        process = self.start(f"--listen=127.0.0.1:{SERVED}")
        idle = [socket.create_connection(("127.0.0.1", SERVED)) for _ in range(200)]
        self.addCleanup(lambda: [each.close() for each in idle])
        for each in idle[::2]:
            each.send(b"GET /met")
        self.assertIn("portguard_ephemeral_ports ", get())
        self.assertLess(len(os.listdir(f"/proc/{process.pid}/fd")), 50)

    def test_sockets_that_systemd_passes(self) -> None:
        with socket.create_server(("127.0.0.1", SERVED)) as server:
            script = f'exec 3<&{server.fileno()}; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" metrics --listen=systemd'
            process = subprocess.Popen(["sh", "-c", script, COMMAND], env=ENVIRONMENT, text=True, stdout=subprocess.PIPE,
                                       pass_fds=[server.fileno()])
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "ready\n")
        self.assertIn("portguard_build_info", get())

    def test_new_events_are_counted_and_a_complaint_is_said_once(self) -> None:
        process = self.start(f"--listen=127.0.0.1:{SERVED}", str(self.record), "/nowhere")
        name = 'portguard_events_total{cause="outgoing_connection"}'
        self.assertEqual(samples(get())[name], 1)
        with self.record.open("a") as record:
            record.write(EVENT + "\n")
        end = time.monotonic() + PATIENCE_S
        # An answer is a second old at most.
        while (count := samples(get())[name]) == 1 and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(count, 2)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.communicate(timeout=PATIENCE_S)[1].count("/nowhere"), 1)


if __name__ == "__main__":
    for program in ("promtool", "strace"):
        if shutil.which(program) is None:
            print(f"{program} is not installed")
            sys.exit(77)
    unittest.main(argv=sys.argv[:1])
