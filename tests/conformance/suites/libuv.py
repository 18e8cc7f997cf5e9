"""The tests of libuv, from Debian's source."""

import pathlib
import re

import fetch
from suite import FAIL, PASS, SKIP, Part, Suite

# Those of its lists that call what we intercept. Pipes have names in /tmp, which every test removes when it starts
# (test/runner.c): none may run beside another.
SOCKETS = re.compile(
    r"^(?!shutdown_close_pipe)"
    r"(tcp|udp|shutdown|connect|getsockname|poll|multiple_listen|callback_stack|socket|ping_pong|emfile)"
)
ENTRY = re.compile(r"^\s*TEST_ENTRY\s*\((\w+)\)", re.MULTILINE)
RESULT = re.compile(r"^(not )?ok \d+ - (\S+)(.*)$")


class Libuv(Suite):
    name = "libuv"
    tools = ("apt-get", "dpkg-source", "cmake", "cc")
    jobs = 4

    def _folder(self) -> pathlib.Path:
        return fetch.cache_folder() / self.name

    @staticmethod
    def _make(folder: pathlib.Path) -> None:
        fetch.Apt().source("libuv1", folder)
        source = folder / "source"
        fetch.run_quietly(["cmake", "-S", ".", "-B", "build", "-DCMAKE_BUILD_TYPE=Debug"], source)
        fetch.run_quietly(["cmake", "--build", "build", "-j2", "--target", "uv_run_tests"], source)

    def prepare(self) -> str:
        fetch.make_once(self._folder(), self._make)
        return f"libuv {fetch.source_version(self._folder())}"

    def parts(self, fast: bool) -> list[Part]:
        source = self._folder() / "source"
        # It does not like root, whom CI is; what fails for that fails with and without us.
        environment = {"UV_RUN_AS_ROOT": "1"}
        if not fast:
            return [Part("all", ["build/uv_run_tests"], source, environment)]
        names = filter(SOCKETS.match, ENTRY.findall((source / "test" / "test-list.h").read_text()))
        return [Part(name, ["build/uv_run_tests", name], source, environment) for name in names]

    def outcomes(self, part: Part, output: str, scratch: pathlib.Path) -> dict[str, str]:
        outcomes: dict[str, str] = {}
        for result in filter(None, map(RESULT.match, output.splitlines())):
            # Some of the list are for other systems, and not built here.
            skipped = "# SKIP" in result[3] or "# No test with that name" in output
            outcomes[result[2]] = SKIP if skipped else FAIL if result[1] else PASS
        return outcomes
