"""The benches that take seconds still run, and each table has all its rows. What they measure is nobody's business
here."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from measure import busy_port, calls, kernel_calls, report  # noqa: E402

PEERS = ["empty object", "portguard", "libsocket_wrapper", "torsocks", "proxychains4", "libkeepalive", "fiu-run -x",
         "strace", "bpftrace"]
FIGURE = re.compile(r"-?\d+(\.\d+)?( \(-?\d+(\.\d+)?-+\d+(\.\d+)?\))?")


def run(folder: str, *arguments: str) -> str:
    result = subprocess.run([str(HERE / "run"), "--folder", folder, *arguments], text=True, capture_output=True,
                            timeout=250, check=False)
    if result.returncode != 0:
        raise AssertionError(f"run {arguments} exited with {result.returncode}: {result.stderr}")
    return result.stdout


class Tables(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory(prefix="portguard-bench-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        run(folder.name, "--quick", "--build", os.environ["PORTGUARD_TEST_BUILD"], "calls", "peers", "exec", "threads",
            "memory", "busy-port", "remember", "supervisor")

    def rows(self, name: str) -> list[list[str]]:
        return [list(row.values()) for row in report.read_rows(self.folder, name)]

    def expect_figures(self, cells: list[str]) -> None:
        for cell in cells:
            self.assertTrue(FIGURE.fullmatch(cell), cell)

    def test_calls_has_a_row_and_a_time_for_each_call(self) -> None:
        rows = self.rows("calls")
        self.assertEqual([row[0] for row in rows], [row.label for row in calls.ROWS])
        for row in rows:
            self.expect_figures(row[1:2])

    def test_peers_has_each_call_through_each_peer_or_the_reason_why_not(self) -> None:
        plain, *rows = self.rows("peers")
        self.expect_figures(plain[1:])
        self.assertEqual(len(plain), 1 + len(kernel_calls.CALLS))
        self.assertEqual([row[0].partition(":")[0] for row in rows], PEERS)
        for row in rows:
            reason = row[0].partition(": ")[2]
            if reason:
                self.assertEqual(set(row[1:]), {"-"})
            else:
                self.expect_figures(row[1:])
        self.assertEqual(rows[1][0], "portguard")

    def test_exec_has_each_peer_or_the_reason_why_not(self) -> None:
        rows = self.rows("exec")
        self.assertEqual(sorted(row[0].partition(":")[0] for row in rows), sorted(PEERS))
        for row in rows[:2]:
            self.expect_figures(row[1:3])

    def test_threads_has_both_loops_with_and_without(self) -> None:
        rows = self.rows("threads")
        self.assertEqual([row[:2] for row in rows],
                         [[loop, name] for loop in ("socket and close", "setsockopt")
                          for name in (report.PLAIN, "portguard")])
        for row in rows:
            self.expect_figures(row[2:7])

    def test_memory_has_before_and_after_the_first_diagnosis(self) -> None:
        rows = self.rows("memory")
        self.assertEqual([row[0] for row in rows], ["empty object"] * 2 + ["portguard"] * 2)
        for row in rows:
            self.expect_figures(row[2:])

    def test_busy_port_has_each_answer_beside_ss_and_lsof(self) -> None:
        rows = self.rows("busy-port")
        self.assertEqual([row[0] for row in rows], list(busy_port.commands("")))
        for row in rows:
            self.expect_figures(row[1:])

    def test_remember_has_what_each_call_that_is_kept_costs(self) -> None:
        rows = self.rows("remember")
        self.assertEqual([row[0] for row in rows], ["bind", "connect"])
        for row in rows:
            self.expect_figures(row[1:3])

    def test_supervisor_has_calls_threads_and_servers_with_and_without(self) -> None:
        rows = self.rows("supervisor")
        self.assertEqual([row[0] for row in rows],
                         ["socket and close", "bind", "listen", "getppid",
                          *(f"socket and close on {threads}" for threads in ("1 thread", "2 threads", "8 threads", "64 threads")),
                          "caddy", "prometheus"])
        for row in rows[:-2]:
            self.expect_figures(row[2:5])
        for row in rows[-2:]:
            self.expect_figures(row[4:5])

    def test_each_table_stands_beside_a_plot_and_under_the_command_and_the_kernel(self) -> None:
        for name in ("calls", "peers", "exec", "threads", "memory", "busy-port", "remember", "supervisor"):
            xml.etree.ElementTree.parse(self.folder / f"{name}.svg")
            text = (self.folder / f"{name}.md").read_text()
            self.assertIn(f"`tests/bench/run {name} --quick`", text)
            self.assertIn(f"Linux {os.uname().release}", text)

    def test_the_rows_for_the_readme_come_from_the_tables(self) -> None:
        said = run(str(self.folder), "--readme")
        close = self.rows("calls")[0]
        self.assertIn(f"| close | {close[1].partition(' ')[0]} | {close[2]} | {close[3]} |", said)

    def test_the_page_of_costs_shows_what_stands_in_the_results(self) -> None:
        text = (HERE / "results/README.md").read_text()
        shown = text.partition("<!-- costs -->\n")[2].partition("<!-- /costs -->")[0]
        self.assertEqual(shown, run(str(HERE / "results"), "--readme"),
                         "paste the output of `tests/bench/run --readme` between the two markers")


if __name__ == "__main__":
    unittest.main()
