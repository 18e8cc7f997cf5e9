"""test_browser.py ROOT: Debian's chromium under the supervisor, whose processes have filters of their own, namespaces and few rights.

In network, mount and pid namespaces of its own; PORTGUARD_TEST_BUILD is the build tree."""

import http.client
import json
import os
import pathlib
import re
import shutil
import sys
import time
import unittest

sys.path.append(str(pathlib.Path(__file__).parents[1] / "apps"))
import harness  # noqa: E402
import outgoing_load  # noqa: E402

ROOT, BUILD = pathlib.Path(sys.argv[1]), pathlib.Path(os.environ["PORTGUARD_TEST_BUILD"])
DEBUGGING, REFUSED = 9222, 20000
PLAN = [f"--listen={outgoing_load.LISTEN[0]}-{outgoing_load.LISTEN[1]}", "--ephemeral=15000-60999"]
# Its sandbox makes user namespaces, which a chroot may not.
IN_ROOT = """
mount --make-rprivate / && mount --bind "$1" "$1" && mount --rbind /dev "$1/dev" && mount --types proc proc "$1/proc" &&
mount --types tmpfs --options mode=1777 tmpfs "$1/tmp" && cd "$1" && mkdir --parents old && pivot_root . old && umount --lazy /old &&
shift && exec "$@"
"""
GUARD = ["/portguard/bin/portguard", "run", "--front-end=supervisor", *PLAN, "--"]
CHROMIUM = ["/usr/bin/env", "--ignore-environment", "PATH=/usr/bin:/bin", "HOME=/home/user",
            "/usr/bin/setpriv", "--reuid=user", "--regid=user", "--init-groups",
            "chromium", "--headless=new", "--disable-gpu", "--no-first-run"]


def copy_portguard() -> None:
    for name in ("bin/portguard", "lib/libportguard.so", "lib/portguard-explain"):
        target = ROOT / "portguard" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(BUILD / name, target)


class Browser(harness.AppTest):
    def setUp(self) -> None:
        super().setUp()
        outgoing_load.prepare_network()
        self.server = outgoing_load.Server(str(BUILD))
        self.addCleanup(self.server.close)

    def browse(self, port: int) -> harness.Process:
        return self.start(["unshare", "--mount", "bash", "-ec", IN_ROOT, "in-root", str(ROOT), *GUARD, *CHROMIUM,
                           f"--remote-debugging-port={port}"])

    def browse_and_serve(self) -> harness.Process:
        browser = self.browse(DEBUGGING)
        harness.wait_until(lambda: harness.listeners(DEBUGGING) or browser.ended(), "chromium serves", browser)
        return browser

    def ask(self, method: str, path: str) -> dict:
        connection = http.client.HTTPConnection("127.0.0.1", DEBUGGING, timeout=harness.DEADLINE)
        connection.request(method, path)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def test_serves_and_connects_from_ephemeral_in_its_sandbox(self) -> None:
        browser = self.browse_and_serve()
        print(self.ask("GET", "/json/version")["Browser"], flush=True)
        pages = 20
        for page in range(pages):
            self.ask("PUT", f"/json/new?http://127.0.1.{page + 1}:{outgoing_load.PORT}/")
        harness.wait_until(lambda: self.server.counts()["tcp"] >= pages, f"{pages} pages", browser)
        counts = self.server.counts()
        print(f"{counts['tcp']} connections, {counts['tcp_inside']} of `listen`", flush=True)
        self.assertEqual(counts["tcp_inside"], 0)
        self.assertTrue(any(self.filters_of(pid) > 1 for pid in browser.pids()), "no process has a filter of its own")
        # It picks ports of UDP by itself.
        self.assertLessEqual(len(browser.guard_lines()), 1)
        for line in browser.guard_lines():
            self.assertRegex(line, r"^portguard: chromium\[\d+\]: bind udp .*; reported for one UDP port per process$")

    def filters_of(self, pid: int) -> int:
        return int(re.search(r"Seccomp_filters:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))

    def test_holds_its_port_by_name(self) -> None:
        browser = self.browse_and_serve()
        other = self.start([str(BUILD / "bin/portguard"), "run", "--front-end=supervisor", *PLAN, "--", "/usr/bin/python3", "-m",
                            "http.server", "--bind", "127.0.0.1", str(DEBUGGING)])
        harness.wait_until(other.ended, "the end of the second server", other)
        self.assertRegex(other.printed(), rf"bind tcp 127\.0\.0\.1:{DEBUGGING}: in use \(EADDRINUSE\): held by chromium\[\d+\]")
        self.assertFalse(browser.ended())

    def test_is_refused_outside_listen_and_goes_on(self) -> None:
        browser = self.browse(REFUSED)
        harness.wait_until(lambda: "portguard:" in browser.printed() or browser.ended(), "a report", browser)
        self.assertRegex(browser.printed(), rf"portguard: chromium\[\d+\]: listen tcp 127\.0\.0\.1:{REFUSED}: refused \(EACCES\)")
        time.sleep(0.1)
        self.assertEqual(harness.listeners(REFUSED), [])
        self.assertFalse(browser.ended())


if __name__ == "__main__":
    copy_portguard()
    unittest.main(argv=sys.argv[:1], verbosity=2)
