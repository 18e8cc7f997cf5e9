"""What the tests of `portguard run --front-end=supervisor` share. Their usage:

    TEST COMMAND STATIC_SERVER RAW_CALLS [unittest's arguments]
"""

import ctypes
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

COMMAND, SERVER, RAW = sys.argv[1:4]
# A guard around these tests (conformance.own) must not steer the one that is tested.
for steering in [name for name in os.environ if name.startswith("PORTGUARD_") and not name.startswith("PORTGUARD_TEST_")]:
    del os.environ[steering]
# Where a sanitizer leaves what it finds in a supervisor.
SANITIZER_FOUND = pathlib.Path(os.environ["PORTGUARD_TEST_SANITIZER_FOUND"]) \
    if "PORTGUARD_TEST_SANITIZER_FOUND" in os.environ else None
CLONE_NEWNET = 0x40000000
NOBODY = 65534
DEADLINE = 20.0
PLAN = ["--listen=5000-5999", "--ephemeral=40000-50000"]
HELD = """
import socket, sys
def attempt(port):
    with socket.socket() as tried:
        try:
            tried.bind(("127.0.0.1", port))
            tried.listen()
            return "ok"
        except OSError as error:
            return str(error.errno)
"""


def supervised(*words: str, options=(), command=COMMAND, front_end="supervisor") -> list[str]:
    return [command, "run", f"--front-end={front_end}", *options, "--", *words]


def run(*words: str, options=(), command=COMMAND, front_end="supervisor", **keywords) -> subprocess.CompletedProcess:
    # On a busy machine 200 ms are over before a report is written, all the more under a sanitizer.
    return subprocess.run(supervised(*words, options=["--budget-ms=10000", *options], command=command, front_end=front_end),
                          capture_output=True, text=True, timeout=DEADLINE, **keywords)


def copies_for_all(test: unittest.TestCase) -> tuple[str, str]:
    """COMMAND with what it needs, and SERVER, in a folder that other users may enter: that of the build may be closed."""
    folder = pathlib.Path(test.enterContext(tempfile.TemporaryDirectory()))
    folder.chmod(0o755)
    build = pathlib.Path(COMMAND).parents[1]
    for name in ("bin/portguard", "lib/libportguard.so", "lib/portguard-explain"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(build / name, folder / name)
    return str(folder / "bin/portguard"), shutil.copy(SERVER, folder)


def wait_until(condition, what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not in {DEADLINE:.0f} s: {what}")
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def supervisors_of(pid: int) -> list[int]:
    """Processes of our command in the network of `pid`, but itself."""
    network = os.readlink("/proc/self/ns/net")
    command = os.stat(COMMAND)
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int(entry.name) != pid and os.readlink(entry / "ns/net") == network and \
                    os.path.samestat(os.stat(entry / "exe"), command):
                found.append(int(entry.name))
        except OSError:
            pass
    return sorted(filter(is_alive, found))


def files_held(pid: int) -> int:
    """Descriptors but pidfds, which hold nothing of a program's: of each other one, and of threads that called before."""
    links = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{pid}/fd/{number}"))
        except FileNotFoundError:
            pass
    pidfds = sum("pidfd" in link for link in links)
    assert pidfds <= 1 + 64 * os.cpu_count(), links
    return len(links) - pidfds


def enter_new_network() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("32768 60999")


def listening(port: int) -> socket.socket:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", port))
    server.listen()
    return server


def leave_time_wait(port: int) -> None:
    server = listening(port)
    client = socket.create_connection(("127.0.0.1", port))
    accepted = server.accept()[0]
    accepted.close()
    client.close()
    server.close()


class Supervised(unittest.TestCase):
    def setUp(self) -> None:
        enter_new_network()

    def tearDown(self) -> None:
        wait_until(lambda: not supervisors_of(0), "the end of every supervisor, as every program has ended")
        for report in SANITIZER_FOUND.iterdir() if SANITIZER_FOUND else ():
            found = report.read_text()
            report.unlink()
            self.fail(found)


def run_tests() -> None:
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
