#!/usr/bin/python3 -B
"""`portguard run --front-end=supervisor`, on programs that no preload reaches. Each test has a network of its own.
usage: as in supervising.py"""

import errno
import os
import pathlib
import resource
import subprocess

from supervising import (COMMAND, DEADLINE, HELD, NOBODY, PLAN, RAW, SERVER, Supervised, copies_for_all, files_held,
                         leave_time_wait, listening, run, run_tests, supervised, supervisors_of, wait_until)


class TheSupervisor(Supervised):
    def test_refuses_what_is_outside_the_plan_and_says_who_asked(self) -> None:
        done = run(SERVER, "5000", "7000", options=PLAN)
        self.assertEqual(done.stdout, "5000 ok\n7000 EACCES\n", done.stderr)
        self.assertIn("bind tcp 127.0.0.1:7000: refused (EACCES): outside listen=5000-5999", done.stderr)
        self.assertRegex(done.stderr, r"(?s)\n  stack .*open_server .*main ", "by a frame pointer that /proc does not show")

    def test_calls_a_program_that_has_written_a_title_over_its_arguments_by_its_file(self) -> None:
        """As nginx has when it is reloaded, and chromium's processes."""
        done = run("bash", "-c", f"exec -a 'server: process /opt/sbin/server -c /etc/server.conf' {SERVER} 7000", options=PLAN)
        self.assertIn(f"portguard: {pathlib.Path(SERVER).name}[", done.stderr)

    def test_reaches_every_way_into_the_kernel(self) -> None:
        for way in ("native", "i386", "socketcall"):
            with self.subTest(way):
                alone = subprocess.run([RAW, way, "7000"])
                if alone.returncode == errno.ENOSYS or alone.returncode < 0:
                    self.skipTest("the kernel has no 32-bit calls")
                self.assertEqual(alone.returncode, 0)
                self.assertEqual(run(RAW, way, "5000", options=PLAN).returncode, 0)
                refused = run(RAW, way, "7000", options=PLAN)
                self.assertEqual(refused.returncode, errno.EACCES, refused.stderr)
                self.assertIn("raw_calls[", refused.stderr)
                self.assertRegex(refused.stderr, r"\n  stack +begin at raw_calls\.c:")

    def test_says_what_is_missing_for_the_stack_of_a_32_bit_program(self) -> None:
        program = RAW + "_i386"
        try:
            self.assertEqual(subprocess.run([program, "native", "7000"]).returncode, 0)
        except OSError:
            self.skipTest("the kernel starts no 32-bit program")
        without, _ = copies_for_all(self)
        told = run(program, "native", "7000", options=PLAN, command=without).stderr
        self.assertIn("the stack (of an i386 program: portguard-explain for i386 is not installed)", " ".join(told.split()))
        self.assertNotIn("begin at", told)

    def test_names_who_holds_the_port(self) -> None:
        with listening(5001):
            done = run(SERVER, "5001", options=PLAN)
        self.assertEqual(done.stdout, "5001 EADDRINUSE\n")
        self.assertIn(f"held by python3[{os.getpid()}] 127.0.0.1:5001 LISTEN", done.stderr)

    def test_lets_a_server_restart_over_time_wait(self) -> None:
        leave_time_wait(5002)
        alone = subprocess.run([SERVER, "5002"], capture_output=True, text=True)
        self.assertEqual(alone.stdout, "5002 EADDRINUSE\n")
        done = run(SERVER, "5002", options=PLAN)
        self.assertEqual(done.stdout, "5002 ok\n", done.stderr)
        self.assertIn("cured", done.stderr)

    def test_keeps_outgoing_connections_out_of_listen(self) -> None:
        with listening(5003) as server:
            server.listen(1000)
            done = run(SERVER, *["connect=5003"] * 500,
                       options=["--listen=5000-45000", "--ephemeral=45001-60000"])
        ports = [int(line.split()[1]) for line in done.stdout.splitlines()]
        self.assertEqual(len(ports), 500, done.stderr)
        self.assertTrue(all(45001 <= port <= 60000 for port in ports), sorted(ports)[:3])

    def test_changes_nothing_in_observe(self) -> None:
        done = run(SERVER, "5000", "7000", options=[*PLAN, "--mode=observe"])
        self.assertEqual(done.stdout, "5000 ok\n7000 ok\n")
        self.assertIn("7000", done.stderr)

    def test_writes_the_events_that_the_preload_writes(self) -> None:
        record = pathlib.Path(f"/tmp/supervised-{os.getpid()}.jsonl")
        self.addCleanup(record.unlink)
        run(SERVER, "7000", options=[*PLAN, "--log=none", f"--record=file:{record}"])
        shown = subprocess.run([COMMAND, "events", "--json", record], capture_output=True, text=True)
        self.assertIn('"refused"', shown.stdout, record.read_text())

    def test_gives_no_rights_that_the_program_lacks(self) -> None:
        def drop() -> None:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

        script = HELD + f"import os\nos.setgid({NOBODY}); os.setuid({NOBODY})\nprint(attempt(80), attempt(5000))"
        done = run("/usr/bin/python3", "-c", script, options=["--listen=80,5000-5999"])
        self.assertEqual(done.stdout, f"{errno.EACCES} ok\n", done.stderr)
        # Without privileges from the beginning, it is told what that costs.
        command, server = copies_for_all(self)
        done = run(server, "5000", "7000", options=PLAN, command=command, preexec_fn=drop)
        self.assertEqual(done.stdout, "5000 ok\n7000 EACCES\n", done.stderr)
        self.assertIn("no_new_privs", done.stderr)

    def test_makes_sockets_that_are_their_user_s(self) -> None:
        script = f"import os, socket\nos.setgid({NOBODY}); os.setuid({NOBODY})\n" \
                 "made = socket.socket()\nprint(os.fstat(made.fileno()).st_uid)"
        done = run("/usr/bin/python3", "-c", script, options=["--listen=5000-45000", "--ephemeral=45001-60000"])
        self.assertEqual(done.stdout, f"{NOBODY}\n", done.stderr)

    def test_does_not_open_what_landlock_has_closed(self) -> None:
        script = HELD + """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
bind_tcp = (ctypes.c_uint64 * 2)(0, 1)
ruleset = libc.syscall(444, bind_tcp, 16, 0)
if ruleset < 0 or libc.prctl(38, 1, 0, 0, 0) or libc.syscall(446, ruleset, 0):
    print("no landlock")
else:
    print(attempt(5000))
"""
        done = run("/usr/bin/python3", "-c", script, options=PLAN)
        if done.stdout == "no landlock\n":
            self.skipTest("the kernel has no Landlock for TCP (Linux 6.7)")
        self.assertEqual(done.stdout, f"{errno.EACCES}\n", done.stderr)

    def test_leaves_another_network_alone(self) -> None:
        script = HELD + """
ctypes = __import__("ctypes")
assert ctypes.CDLL(None).unshare(0x40000000) == 0
__import__("subprocess").run(["ip", "link", "set", "lo", "up"], check=True)
print(attempt(5000), attempt(7000))
"""
        done = run("/usr/bin/python3", "-c", script, options=PLAN)
        self.assertEqual(done.stdout, "ok ok\n", done.stderr)

    def test_outlives_signals_and_threads_that_end_while_they_wait(self) -> None:
        script = HELD + """
import os, random, signal, threading
signal.signal(signal.SIGALRM, lambda *_: None)
signal.siginterrupt(signal.SIGALRM, False)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
answers = set()
for turn in range(150):
    child = os.fork()
    if child == 0:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for _ in range(3): threading.Thread(target=attempt, args=(5500,), daemon=True).start()
        # By its end, by another program, by a signal that kills: in a trap or not.
        if turn % 3 == 0: os._exit(0)
        if turn % 3 == 1: os.execv("/bin/true", ["true"])
        os.kill(os.getpid(), signal.SIGKILL)
    answers.add(attempt(5000 + turn))
    answers.add(attempt(7000))
    os.waitpid(child, 0)
signal.setitimer(signal.ITIMER_REAL, 0)
print(answers - {"ok", "13"})
"""
        done = run("/usr/bin/python3", "-c", script, options=[*PLAN, "--log=none"])
        self.assertEqual(done.stdout, "set()\n", done.stderr)

    def test_picks_ports_of_listen_where_port_zero_does(self) -> None:
        script = "import socket\nfor kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):\n" \
                 "    made = socket.socket(socket.AF_INET, kind); made.bind(('127.0.0.1', 0)); print(made.getsockname()[1])"
        done = run("/usr/bin/python3", "-c", script, options=[*PLAN, "--port-zero=listen"])
        ports = [int(line) for line in done.stdout.split()]
        self.assertEqual(len(ports), 2, done.stderr)
        self.assertTrue(all(5000 <= port <= 5999 for port in ports), ports)

    def test_is_taken_by_auto_where_no_library_can_be_in_the_program(self) -> None:
        def by_auto(*words: str) -> subprocess.CompletedProcess:
            return subprocess.run([COMMAND, "run", "--front-end=auto", *PLAN, "--log=none", "--", *words],
                                  capture_output=True, text=True, timeout=DEADLINE)

        self.assertEqual(by_auto(SERVER, "7000").stdout, "7000 EACCES\n")
        self.assertIn("libportguard", by_auto("cat", "/proc/self/maps").stdout)
        self.assertIn("--front-end=supervisor", subprocess.run([COMMAND, "run", SERVER], capture_output=True,
                                                               text=True).stderr)
        self.assertEqual(subprocess.run([COMMAND, "run", "--front-end=all", "true"], capture_output=True).returncode, 2)

    def test_is_one_a_tree(self) -> None:
        done = run(COMMAND, "run", "--front-end=supervisor", SERVER, "5000")
        self.assertEqual(done.returncode, 3)
        self.assertEqual(done.stdout, "")
        self.assertIn("the kernel allows one", done.stderr)

    def test_keeps_nothing_open(self) -> None:
        script = HELD + "for turn in range(500): attempt(5000 + turn % 100), attempt(7000)\nprint('done', flush=True)\n" \
                        "sys.stdin.read(1)"
        process = subprocess.Popen(supervised("/usr/bin/python3", "-c", script, options=[*PLAN, "--log=none"]),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "done\n")
        for pid in supervisors_of(process.pid):
            wait_until(lambda: files_held(pid) == 4, "0 to 2 and the listener")
        process.communicate("x", timeout=DEADLINE)

    def test_makes_no_socket_for_another_network(self) -> None:
        """Neither after unshare(2) nor after setns(2), by a thread whose network had been seen."""
        script = """
import ctypes, os, socket
def network():
    with socket.socket() as made:
        return int.from_bytes(made.getsockopt(socket.SOL_SOCKET, 71, 8), "little") # SO_NETNS_COOKIE
libc = ctypes.CDLL(None, use_errno=True)
first = os.open("/proc/self/ns/net", os.O_RDONLY)
seen = [network(), network()]
assert libc.unshare(0x40000000) == 0, ctypes.get_errno()
seen.append(network())
assert libc.setns(first, 0) == 0, ctypes.get_errno()
seen.append(network())
print([seen[0] == each for each in seen])
"""
        done = run("/usr/bin/python3", "-c", script, options=["--listen=5000-45000", "--ephemeral=45001-60000"])
        self.assertEqual(done.stdout, "[True, True, False, True]\n", done.stderr)

    def test_hands_on_that_no_descriptor_is_left(self) -> None:
        script = "import socket\nkept = []\ntry:\n    while True: kept.append(socket.socket())\n" \
                 "except OSError as error: print(error.errno)"
        done = run("/usr/bin/python3", "-c", script, options=["--listen=5000-45000", "--ephemeral=45001-60000"],
                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
        self.assertEqual(done.stdout, f"{errno.EMFILE}\n", done.stderr)

    def test_answers_threads_and_children_at_the_same_time(self) -> None:
        script = HELD + """
import os, threading
answers = []
def work(base):
    for turn in range(50):
        answers.append((attempt(base + turn), attempt(7000 + turn)))
threads = [threading.Thread(target=work, args=(5000 + 100 * index,)) for index in range(8)]
for thread in threads: thread.start()
children = []
for index in range(4):
    child = os.fork()
    if child == 0:
        os._exit(0 if attempt(5900 + index) == "ok" and attempt(8000) == "13" else 1)
    children.append(child)
for thread in threads: thread.join()
print(set(answers), {os.waitpid(child, 0)[1] for child in children})
"""
        done = run("/usr/bin/python3", "-c", script, options=[*PLAN, "--log=none"])
        self.assertEqual(done.stdout, "{('ok', '13')} {0}\n", done.stderr)


if __name__ == "__main__":
    run_tests()
