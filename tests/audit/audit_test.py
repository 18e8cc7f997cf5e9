#!/usr/bin/python3
"""The audit finds a cause that is wrong, a cure that does not help and a condition that ends by itself.

audit_test.py BUILD
"""

import copy
import dataclasses
import os
import shutil
import sys
import time
import unittest

import audit
import building
import cures
import judge
import sentences
from asking import Answer
from conditions import Condition, every_condition

LISTENER = Condition("listener", "tcp", 4, "both")
OUTGOING = Condition("outgoing", "tcp", 4, "neither")
TIME_WAIT = Condition("accepted_time_wait", "tcp", 4, "neither")


class Audit(unittest.TestCase):
    folder = ""

    @classmethod
    def setUpClass(cls):
        cls.folder = audit.copy_of(sys.argv[1])
        # Most of these never lead to a bind.
        cures.TRIES = 3

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def in_stage(self, work, condition=LISTENER):
        def staged():
            stage, answer = audit.ask_in_stage(self.folder, condition)
            return {"said": work(stage, answer)}
        result = audit.in_namespaces(staged)
        self.assertIn("said", result, result)
        return result["said"]

    def fault_of_cure(self, text, when="now", condition=LISTENER):
        """`PID`: of the holder."""
        def work(stage, answer):
            command = text.replace("PID", str(min(stage.pids, default=0)))
            return cures.try_cure(stage, condition, {"command": command, "when": when}, answer.event())
        return self.in_stage(work, condition)

    def faults_with(self, condition=LISTENER, **changes):
        def work(stage, answer):
            event = copy.deepcopy(answer.event())
            for name, value in changes.items():
                *path, last = name.split("__")
                part = event
                for step in path:
                    part = part[0] if step == "first" else part[step]
                part[last] = value
            return judge.faults(condition, stage, Answer(answer.call, answer.errno, [event]))
        return self.in_stage(work, condition)

    def test_a_report_that_is_right_has_no_fault(self):
        self.assertEqual(self.faults_with(), [])
        self.assertEqual(self.fault_of_cure("kill PID"), "")

    def test_a_wrong_cause_is_found(self):
        for cause in ("unknown", "bound_only", "listener_same_program", "vanished"):
            self.assertNotEqual(self.faults_with(cause=cause), [], cause)

    def test_a_wrong_fact_is_found(self):
        self.assertNotEqual(self.faults_with(holders__first__reuseport=True), [])
        self.assertNotEqual(self.faults_with(holders__first__uid=33), [])
        self.assertNotEqual(self.faults_with(holders__first__owners__first__pid=1), [])
        self.assertNotEqual(self.faults_with(socket__reuseaddr=True), [])
        self.assertNotEqual(self.faults_with(evidence=[]), [])
        self.assertNotEqual(self.faults_with(cures=[]), [])

    def test_a_sentence_about_a_flag_that_is_not_so_is_found(self):
        with_flag = dataclasses.replace(LISTENER, holder_flags="p")
        self.assertNotEqual(self.faults_with(with_flag, sentence="and its socket has no SO_REUSEPORT"), [])

    def test_a_failure_without_a_report_is_found(self):
        self.assertNotEqual(self.in_stage(lambda stage, answer: judge.faults(LISTENER, stage, Answer("bind", "EADDRINUSE", []))), [])

    def test_a_command_that_changes_nothing_is_found(self):
        for text in ("kill -CONT PID", "portguard rescue 7000", "sysctl -w net.ipv4.ip_local_port_range='40000 50000'",
                     "kill -CONT PID && portguard who --wait=121s 7000", "sudo portguard who 7000"):
            self.assertNotEqual(self.fault_of_cure(text), "", text)
            self.assertNotEqual(self.fault_of_cure(text, "lasting"), "", text)
        for text in ("sysctl -w net.ipv4.ip_local_port_range='7100 7106'", "portguard run --listen=7000 -- the program"):
            self.assertNotEqual(self.fault_of_cure(text, "lasting", OUTGOING), "", text)

    def test_a_command_that_harms_is_not_run(self):
        for text in ("kill 1", "rm /etc/passwd", "sysctl -w kernel.panic=1"):
            self.assertNotEqual(self.fault_of_cure(text), "", text)

    def test_a_wait_that_is_too_short_is_found(self):
        self.assertEqual(self.fault_of_cure("portguard who --wait=61s 7000", condition=TIME_WAIT), "")
        self.assertNotEqual(self.fault_of_cure("portguard who --wait=30s 7000", condition=TIME_WAIT), "")

    def test_a_sentence_that_is_not_in_the_table_fails(self):
        for text in ("buy a bigger host", "kill PID; buy a bigger host", "one of the two on another port or address, or not"):
            self.assertIn("does not know", self.fault_of_cure(text), text)

    def test_a_sentence_that_does_not_help_is_found(self):
        self.assertNotEqual(self.fault_of_cure("start it again"), "")
        self.assertNotEqual(self.fault_of_cure("SO_REUSEADDR before bind in the server", "lasting"), "")

    def test_a_condition_that_ends_by_itself_is_found(self):
        def build_for_a_moment(stage):
            building.build(stage)
            if os.fork() == 0:
                time.sleep(0.5)
                stage.end_holders()
                os._exit(0)
        audit.build = build_for_a_moment
        try:
            result = audit.in_namespaces(lambda: audit.control(self.folder, LISTENER, 2))
        finally:
            audit.build = building.build
        self.assertIn("ends by itself", result.get("fault", ""), result)

    def test_every_condition_has_a_name_of_its_own(self):
        names = [condition.name() for condition in every_condition()]
        self.assertEqual(len(names), len(set(names)))
        self.assertTrue(set(judge.CAUSES) == set(name.split("/")[0] for name in names))

    def test_no_sentence_is_carried_out_in_two_ways(self):
        for change in sentences.CHANGES:
            self.assertTrue(change.condition or change.ask or change.is_nothing or change.errno
                            or "(?P<port>" in change.pattern, change.pattern)


if __name__ == "__main__":
    if "error" in audit.in_namespaces(lambda: {}):
        sys.exit(1 if os.environ.get("PORTGUARD_TEST_NO_SKIP") == "1" else audit.NO_NAMESPACES)
    unittest.main(argv=sys.argv[:1], warnings="ignore")
