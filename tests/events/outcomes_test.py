#!/usr/bin/python3
"""Runs tests of this project by ctest, plain and under `portguard ci`: every test has to end as it did.

outcomes_test.py FOLDER_OF_TESTS PORTGUARD
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree


def outcomes(before: list[str], tests: str) -> dict[str, str]:
    # A folder of its own, since ctest writes a log where it runs.
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "CTestTestfile.cmake").write_text(f'subdirs("{tests}")\n')
        subprocess.run(
            [*before, "ctest", "--test-dir", folder, "--output-junit", folder + "/tests.xml"],
            env=os.environ | {"PORTGUARD_CONFIG": "/dev/null"}, capture_output=True, timeout=100,
        )
        cases = xml.etree.ElementTree.parse(folder + "/tests.xml").getroot().findall("testcase")
        return {case.get("name"): case.get("status") for case in cases}


def main(tests: str, portguard: str) -> None:
    plain, wrapped = outcomes([], tests), outcomes([portguard, "ci", "--"], tests)
    assert len(plain) > 50, plain
    assert wrapped == plain, dict(wrapped.items() ^ plain.items())
    print(f"{len(plain)} tests ended as without portguard")


main(*sys.argv[1:])
