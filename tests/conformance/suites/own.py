"""Our own tests. What they say of a guard that they start themselves must not depend on one around them.

Under `portguard ci` alone: the tests that do without us, for a control, would not be without us under `portguard run`.
"""

import pathlib
import re
import subprocess
import tempfile

from suite import FAIL, PASS, SCRATCH, SKIP, Part, Suite

# Not conformance itself.
WHOLE = ["-LE", "^conformance$", "-E", r"^Supervise\.|_under_(supervisor|both)\.|^examples\.static_and_go_programs"]
# Kernel, commands, and those of the real programs that the tests put under `portguard run` which take a few seconds; no examples,
# and nothing under a supervisor, which leaves the guard of `ci` in the program: the two together are not what is tested.
FAST = ["-L", "^(kernel|tools|apps)$", "-E", r"^apps\.(outgoing_load|server_under_(supervisor|both)|.*\.(java|redis_cli)$)|^(examples|Supervise)\."]
# A name may hold blanks ("A/B.c/0  # GetParam() = x").
RESULT = re.compile(r"^ *\d+/\d+ Test +#\d+: (.*?) \.* *(Passed|\*\*\*.*?) +\d+\.\d+ sec$")
WORDS = {"Passed": PASS, "***Skipped": SKIP}
# ctest keeps its log beside the list of tests that it is given: another one may be at work in the build tree.
SCRIPT = 'echo "subdirs(\\"$0\\")" >"$1/CTestTestfile.cmake" && exec ctest --test-dir "$@"'


class Own(Suite):
    name = "own"
    tools = ("ctest", "git")
    variants = ("ci",)

    def prepare(self) -> str:
        described = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=pathlib.Path(__file__).parent,
                                   stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
        return f"portguard {described or 'from an archive'}"

    def parts(self, fast: bool) -> list[Part]:
        arguments = [SCRATCH, "-j2", "--output-on-failure", *(FAST if fast else WHOLE)]
        # The folder of a part is closed to the other users that some of our tests become.
        environment = {"TMPDIR": tempfile.gettempdir()}
        return [Part("ctest", ["sh", "-c", SCRIPT, str(self.build), *arguments], self.build, environment)]

    def outcomes(self, part: Part, output: str, scratch: pathlib.Path) -> dict[str, str]:
        results = filter(None, map(RESULT.match, output.splitlines()))
        return {result[1]: WORDS.get(result[2], FAIL) for result in results}
