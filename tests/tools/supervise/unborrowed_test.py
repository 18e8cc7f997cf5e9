#!/usr/bin/python3 -B
"""The supervisor where it may not borrow a program's sockets: in containers (pidfd_getfd(2) is forbidden), under Yama, and
beside a program of another user.
usage: as in supervising.py"""

import ctypes
import errno
import os
import pathlib
import socket
import struct
import subprocess

from supervising import (DEADLINE, HELD, NOBODY, PLAN, RAW, SERVER, Supervised, copies_for_all, leave_time_wait, listening,
                         run, run_tests, supervised)

PIDFD_GETFD, PROCESS_VM_READV, SECCOMP = 438, 310, 317
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x00020000, 0x1000, 0x4000, 0x40000
PR_CAPBSET_DROP, CAP_SYS_PTRACE = 24, 19
YAMA = pathlib.Path("/proc/sys/kernel/yama/ptrace_scope")
libc = ctypes.CDLL(None, use_errno=True)
NO_CURE = r"missing +a cure, and the socket's own options: "
HOW = "a seccomp filter, as containers have, refuses pidfd_getfd"


def in_one_line(report: str) -> str:
    return " ".join(report.split())


def forbidding(*calls: int):
    """For preexec_fn: those say EPERM from then on, as Docker's filter has them."""
    load, jump_if_equal, give = 0x20, 0x15, 0x06
    steps = [(load, 0, 0, 0)]
    for number in calls:
        steps += [(jump_if_equal, 0, 1, number), (give, 0, 0, 0x00050000 | errno.EPERM)]
    code = b"".join(struct.pack("HBBI", *step) for step in [*steps, (give, 0, 0, 0x7fff0000)])

    def forbid() -> None:
        kept = ctypes.create_string_buffer(code)
        program = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(kept))
        if libc.syscall(SECCOMP, 1, 0, program) != 0:
            raise OSError(ctypes.get_errno(), "seccomp")

    return forbid


NO_DESCRIPTORS = forbidding(PIDFD_GETFD)
WAYS = {"pidfd_getfd": NO_DESCRIPTORS, "process_vm_readv, too": forbidding(PIDFD_GETFD, PROCESS_VM_READV)}


class WithoutDescriptors(Supervised):
    def test_the_plan_holds(self) -> None:
        for name, forbid in WAYS.items():
            with self.subTest(name):
                done = run(SERVER, "5000", "7000", "45000", options=PLAN, preexec_fn=forbid)
                self.assertEqual(done.stdout, "5000 ok\n7000 EACCES\n45000 EACCES\n", done.stderr)
                self.assertIn("bind tcp 127.0.0.1:7000: refused (EACCES): outside listen=5000-5999", done.stderr)
                self.assertIn("listen tcp 127.0.0.1:45000: refused (EACCES)", done.stderr)
                self.assertRegex(done.stderr, r"(?s)\n  stack .*open_server .*main ")

    def test_the_older_calls_of_32_bits_are_read_as_well(self) -> None:
        if subprocess.run([RAW, "socketcall", "7000"]).returncode != 0:
            self.skipTest("the kernel has no 32-bit calls")
        for name, forbid in WAYS.items():
            with self.subTest(name):
                done = run(RAW, "socketcall", "7000", options=PLAN, preexec_fn=forbid)
                self.assertEqual(done.returncode, errno.EACCES, done.stderr)

    def test_udp_is_refused_outside_the_plan(self) -> None:
        script = "import socket\nmade = socket.socket(type=socket.SOCK_DGRAM)\nmade.bind(('127.0.0.1', 5000))\n" \
                 "try: socket.socket(type=socket.SOCK_DGRAM).bind(('127.0.0.1', 7000))\n" \
                 "except OSError as error: print(error.errno)"
        done = run("/usr/bin/python3", "-c", script, options=PLAN, preexec_fn=NO_DESCRIPTORS)
        self.assertEqual(done.stdout, f"{errno.EADDRINUSE}\n", done.stderr)

    def test_the_kernel_s_own_refusal_comes_first(self) -> None:
        script = "import socket\ntry: socket.socket().bind(('192.0.2.1', 7000))\nexcept OSError as error: print(error.errno)"
        done = run("/usr/bin/python3", "-c", script, options=PLAN, preexec_fn=NO_DESCRIPTORS)
        self.assertEqual(done.stdout, f"{errno.EADDRNOTAVAIL}\n", done.stderr)

    def test_the_start_says_what_does_not_hold(self) -> None:
        done = run("true", options=PLAN, preexec_fn=NO_DESCRIPTORS)
        self.assertIn("no bind or listen is cured, no listener is given SO_REUSEADDR", done.stderr)
        self.assertIn(HOW, done.stderr)
        self.assertNotIn("is cured", run("true", options=PLAN).stderr)

    def test_a_listener_in_the_way_is_named(self) -> None:
        with listening(5001):
            done = run(SERVER, "5001", options=PLAN, preexec_fn=NO_DESCRIPTORS)
        self.assertEqual(done.stdout, "5001 EADDRINUSE\n")
        self.assertIn(f"held by python3[{os.getpid()}] 127.0.0.1:5001 LISTEN", done.stderr)
        self.assertRegex(done.stderr, NO_CURE)
        self.assertIn(HOW, in_one_line(done.stderr))

    def test_a_connection_in_the_way_is_named(self) -> None:
        with listening(5000), socket.socket() as client:
            client.bind(("127.0.0.1", 5002))
            client.connect(("127.0.0.1", 5000))
            done = run(SERVER, "5002", options=PLAN, preexec_fn=NO_DESCRIPTORS)
            self.assertEqual(done.stdout, "5002 EADDRINUSE\n")
            self.assertIn(f"held by python3[{os.getpid()}] 127.0.0.1:5002", done.stderr)
            self.assertRegex(done.stderr, NO_CURE)

    def test_what_goes_through_by_an_option_is_not_reported(self) -> None:
        script = HELD.replace("tried.bind", "tried.setsockopt(socket.SOL_SOCKET, socket.OPTION, 1)\n            tried.bind")
        with socket.socket() as shared:
            shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            shared.bind(("127.0.0.1", 5003))
            shared.listen()
            done = run("/usr/bin/python3", "-c", script.replace("OPTION", "SO_REUSEPORT") + "\nprint(attempt(5003))",
                       options=PLAN, preexec_fn=NO_DESCRIPTORS)
        self.assertEqual(done.stdout, "ok\n")
        self.assertNotIn("in use", done.stderr)
        leave_time_wait(5004)
        done = run("/usr/bin/python3", "-c", script.replace("OPTION", "SO_REUSEADDR") + "\nprint(attempt(5004))",
                   options=PLAN, preexec_fn=NO_DESCRIPTORS)
        self.assertEqual(done.stdout, "ok\n")
        self.assertNotIn("in use", done.stderr)

    def test_a_number_given_for_port_0_may_be_asked_for_again(self) -> None:
        script = HELD + "probe = socket.socket()\nprobe.bind(('127.0.0.1', 0))\nport = probe.getsockname()[1]\n" \
                        "probe.close()\nprint(40000 <= port <= 50000, attempt(port))"
        done = run("/usr/bin/python3", "-c", script, options=PLAN, preexec_fn=NO_DESCRIPTORS)
        self.assertEqual(done.stdout, "True ok\n", done.stderr)

    def test_port_0_may_be_listened_on(self) -> None:
        done = run("/usr/bin/python3", "-c", HELD + "print(attempt(0))", options=PLAN, preexec_fn=NO_DESCRIPTORS)
        self.assertEqual(done.stdout, "ok\n", done.stderr)

    def test_observe_changes_nothing(self) -> None:
        done = run(SERVER, "7000", "45000", options=[*PLAN, "--mode=observe"], preexec_fn=NO_DESCRIPTORS)
        self.assertEqual(done.stdout, "7000 ok\n45000 ok\n")
        self.assertIn("bind tcp 127.0.0.1:7000", done.stderr)
        self.assertIn("listen tcp 127.0.0.1:45000", done.stderr)

    def test_a_server_that_gave_up_root_is_served_where_root_has_no_ptrace_right(self) -> None:
        def drop_ptrace() -> None:
            if libc.prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE, 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "PR_CAPBSET_DROP")

        command, server = copies_for_all(self)
        drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        done = run(*drop, server, "5000", "7000", options=PLAN, command=command, preexec_fn=drop_ptrace)
        self.assertEqual(done.stdout, "5000 ok\n7000 EACCES\n", done.stderr)
        self.assertIn("bind tcp 127.0.0.1:7000: refused", done.stderr)
        leave_time_wait(5002)
        done = run(*drop, server, "5002", options=PLAN, command=command, preexec_fn=drop_ptrace)
        self.assertEqual(done.stdout, "5002 ok\n", done.stderr)
        # As above, under Docker's filter.
        done = run(*drop, server, "5000", "7000", options=PLAN, command=command,
                   preexec_fn=lambda: (drop_ptrace(), NO_DESCRIPTORS()))
        self.assertEqual(done.stdout, "5000 ok\n7000 EACCES\n", done.stderr)
        split = ["--listen=5000-45000", "--ephemeral=45001-60000"]
        with listening(5003) as target:
            target.listen(100)
            done = run(*drop, server, *["connect=5003"] * 50, options=split, command=command, preexec_fn=drop_ptrace)
        ports = [int(line.split()[1]) for line in done.stdout.splitlines()]
        self.assertEqual(len(ports), 50, done.stderr)
        self.assertTrue(all(45001 <= port <= 60000 for port in ports), sorted(ports)[:3])


class WithTheListsOnly(Supervised):
    def test_listen_keeps_the_plan(self) -> None:
        """What Yama leaves: its memory is shown to nobody. Here, since an empty file lies over it."""
        if libc.unshare(CLONE_NEWNS) != 0 or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
            raise OSError(ctypes.get_errno(), "a mount namespace")
        process = subprocess.Popen(supervised(SERVER, "pid", "wait", "5000", "7000", options=PLAN), text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=WAYS["process_vm_readv, too"])
        pid = int(process.stdout.readline())
        if libc.mount(b"/dev/null", b"/proc/%d/mem" % pid, None, MS_BIND, None) != 0:
            raise OSError(ctypes.get_errno(), "mount")
        written, said = process.communicate("x", timeout=DEADLINE)
        self.assertEqual(written, "5000 ok\n7000 EACCES\n", said)
        self.assertIn("listen tcp 127.0.0.1:7000: refused (EACCES): outside listen=5000-5999", said)

    def test_a_child_under_yama(self) -> None:
        if not YAMA.exists() or YAMA.read_text().strip() not in ("1", "2"):
            self.skipTest("needs kernel.yama.ptrace_scope=1")

        def drop() -> None:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

        command, server = copies_for_all(self)
        done = run("sh", "-c", f"{server} 5000 7000; exit 0", options=PLAN, command=command, preexec_fn=drop)
        self.assertEqual(done.stdout, "5000 ok\n7000 EACCES\n", done.stderr)
        self.assertIn("kernel.yama.ptrace_scope", done.stderr)


if __name__ == "__main__":
    run_tests()
