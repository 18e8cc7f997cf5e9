"""What counts as a difference between two runs of a suite, and what an explanation is worth."""

import json
import pathlib
import tempfile
import unittest

import comparison
from comparison import Difference
from suites import ALL
from suite import FAIL, PASS, SKIP, Part

ENTRY = {"suite": "redis", "variant": "plan", "test": "unit/x: *", "alone": "pass", "guarded": "fail",
         "reason": "the port is outside the plan", "syscall": "bind(3, 127.0.0.1:60000) = -1 EACCES"}


def seen(*runs: dict[str, str]) -> comparison.Seen:
    made: comparison.Seen = {}
    for run in runs:
        comparison.add(made, run)
    return made


class Differences(unittest.TestCase):
    def test_the_same_ends_are_none(self):
        self.assertEqual(comparison.differences(seen({"a": PASS, "b": FAIL}), seen({"a": PASS, "b": FAIL})), [])

    def test_a_test_that_fails_with_the_guard_alone_is_one(self):
        self.assertEqual(comparison.differences(seen({"a": PASS}), seen({"a": FAIL})), [Difference("a", PASS, FAIL)])

    def test_a_test_that_passes_with_the_guard_alone_is_one_as_well(self):
        self.assertEqual(comparison.differences(seen({"a": FAIL}), seen({"a": PASS})), [Difference("a", FAIL, PASS)])

    def test_a_test_that_was_not_reached_with_the_guard_is_one(self):
        self.assertEqual(comparison.differences(seen({"a": PASS, "b": PASS}), seen({"a": PASS})),
                         [Difference("b", PASS, comparison.ABSENT)])

    def test_an_end_that_was_seen_without_the_guard_is_none(self):
        alone = seen({"a": PASS}, {"a": FAIL})
        self.assertEqual(comparison.differences(alone, seen({"a": FAIL})), [])
        self.assertEqual(comparison.unstable(alone), ["a"])

    def test_two_runs_that_both_fail_with_the_guard_are_one(self):
        found = comparison.differences(seen({"a": PASS}, {"a": PASS}), seen({"a": FAIL}, {"a": FAIL}))
        self.assertEqual(found, [Difference("a", PASS, FAIL)])

    def test_a_test_that_only_the_second_run_tells_of_is_unstable(self):
        self.assertEqual(comparison.unstable(seen({"a": PASS}, {"a": PASS, "b": PASS})), ["b"])


class Explanations(unittest.TestCase):
    def split(self, entries, found, tests):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "expectations.json"
            path.write_text(json.dumps(entries), encoding="utf-8")
            return comparison.Expectations(path).split("redis", "plan", found, tests)

    def test_one_that_fits_takes_the_difference(self):
        difference = Difference("unit/x: binds", PASS, FAIL)
        self.assertEqual(self.split([ENTRY], [difference], {difference.test}), ([], [difference], []))

    def test_one_of_another_variant_takes_nothing(self):
        difference = Difference("unit/x: binds", PASS, FAIL)
        self.assertEqual(self.split([ENTRY | {"variant": "default"}], [difference], {difference.test}),
                         ([difference], [], []))

    def test_one_whose_test_no_longer_differs_is_stale(self):
        self.assertEqual(self.split([ENTRY], [], {"unit/x: binds"}), ([], [], ["unit/x: *"]))

    def test_one_whose_test_was_not_run_is_left_alone(self):
        self.assertEqual(self.split([ENTRY], [], {"unit/y: binds"}), ([], [], []))

    def test_one_without_its_system_call_is_refused(self):
        with self.assertRaisesRegex(ValueError, "syscall"):
            self.split([{name: value for name, value in ENTRY.items() if name != "syscall"}], [], set())


class Outcomes(unittest.TestCase):
    def read(self, suite, name, output):
        return ALL[suite].outcomes(Part(name, [], pathlib.Path()), output, pathlib.Path())

    def test_of_redis(self):
        output = ("[ok]: CONFIG SET port number (12 ms)\n[err]: Default bind address in tests/unit/networking.tcl\n"
                  "Expected 'a'\n[skip]: not with TLS\n[ok]: twice (1 ms)\n[err]: twice in tests/unit/x.tcl\n[ok]: twice (2 ms)\n")
        self.assertEqual(self.read("redis", "u", output),
                         {"u: CONFIG SET port number": PASS, "u: Default bind address": FAIL, "u: not with TLS": SKIP,
                          "u: twice": FAIL})

    def test_of_memcached(self):
        self.assertEqual(self.read("memcached", "t/a.t", "1..3\nok 1 - sockets\nnot ok 2 - more\nok 3 # skip none\n"),
                         {"t/a.t 1": PASS, "t/a.t 2": FAIL, "t/a.t 3": SKIP})
        self.assertEqual(self.read("memcached", "t/b.t", "1..0 # SKIP no TLS\n"), {"t/b.t": SKIP})

    def test_of_memcached_by_the_verdict_where_their_number_depends_on_load(self):
        for file in ("t/maxconns.t", "t/binary-extstore.t"):
            for output, end in (("ok 1 - a\nok 2 - b\n1..2\n", PASS), ("ok 1 - a\n1..1\n", PASS),
                                ("ok 1 - a\nnot ok 2 - b\n1..2\n", FAIL), ("ok 1 - a\n", FAIL), ("", FAIL),
                                ("ok 1 - a\n1..2\n", FAIL)):
                with self.subTest(file=file, output=output):
                    self.assertEqual(self.read("memcached", file, output), {file: end})
        self.assertEqual(self.read("memcached", "t/binary-extstore.t", "1..0 # SKIP extstore\n"),
                         {"t/binary-extstore.t": SKIP})

    def test_of_our_own(self):
        output = ("      Start   1: A.b\n 1/4 Test   #1: A.b ............   Passed    0.02 sec\n"
                  " 2/4 Test  #12: apps.server.nginx ..***Failed   35.41 sec\n"
                  " 3/4 Test #113: A.c ......***Skipped   0.01 sec\n 4/4 Test #114: A.d ...***Timeout  30.01 sec\n"
                  "10/11 Test #7: A/B.e/f  # GetParam() = \"f g\" ...   Passed    3.23 sec\n"
                  "The following tests FAILED:\n\t 12 - apps.server.nginx (Failed)\n")
        self.assertEqual(self.read("own", "ctest", output),
                         {"A.b": PASS, "apps.server.nginx": FAIL, "A.c": SKIP, "A.d": FAIL,
                          "A/B.e/f  # GetParam() = \"f g\"": PASS})

    def test_of_libuv(self):
        self.assertEqual(self.read("libuv", "all", "1..3\nok 1 - tcp_a\nnot ok 2 - tcp_b\n# why\nok 3 - tcp_c # SKIP\n"),
                         {"tcp_a": PASS, "tcp_b": FAIL, "tcp_c": SKIP})
        self.assertEqual(self.read("libuv", "kqueue", "not ok 1 - kqueue\n# No test with that name: kqueue\n"),
                         {"kqueue": SKIP})


if __name__ == "__main__":
    unittest.main()
