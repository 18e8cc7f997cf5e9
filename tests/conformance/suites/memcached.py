"""The tests of memcached, from Debian's source. It is built without unix sockets, which its tests would prefer."""

import pathlib
import re

import fetch
from suite import FAIL, PASS, SKIP, Part, Suite

FAST = [f"t/{name}.t" for name in ("00-startup", "64bit", "binary-get", "conn-limits", "daemonize", "issue_192", "misbehave",
                                   "quit", "refhang", "stats", "stats-conns", "udp", "watcher_connid")]
# These say ok as often as the machine's load lets them: once a connection that met the limit in time, once a key that
# was not evicted meanwhile. Their verdict counts, not the number of what they say.
BY_VERDICT = {"t/maxconns.t", "t/binary-extstore.t"}
PLAN = re.compile(r"^1\.\.(\d+)$")
RESULT = re.compile(r"^(not )?ok (\d+)\b(.*)$")
ALL_SKIPPED = re.compile(r"^1\.\.0 # skip", re.IGNORECASE)


class Memcached(Suite):
    name = "memcached"
    tools = ("apt-get", "dpkg-source", "make", "cc", "perl")
    # Nearly all of it is waiting for expiry times.
    jobs = 6

    def _folder(self) -> pathlib.Path:
        return fetch.cache_folder() / self.name

    @staticmethod
    def _make(folder: pathlib.Path) -> None:
        fetch.Apt().source("memcached", folder)
        source = folder / "source"
        # Its coverage counts would be written beside the source at each exit.
        fetch.run_quietly(["./configure", "--disable-unix-socket", "--disable-docs", "ac_cv_path_PROFILER=no"], source)
        fetch.run_quietly(["make", "-j2", "memcached-debug", "sizes", "testapp", "timedrun"], source)

    def prepare(self) -> str:
        fetch.make_once(self._folder(), self._make)
        return f"memcached {fetch.source_version(self._folder())}"

    def parts(self, fast: bool) -> list[Part]:
        source = self._folder() / "source"
        files = FAST if fast else sorted(f"t/{file.name}" for file in (source / "t").glob("*.t"))
        return [Part(file, ["perl", file], source) for file in files]

    def outcomes(self, part: Part, output: str, scratch: pathlib.Path) -> dict[str, str]:
        outcomes: dict[str, str] = {}
        for line in output.splitlines():
            if ALL_SKIPPED.match(line):
                outcomes[part.name] = SKIP
            elif result := RESULT.match(line):
                skipped = "# skip" in result[3].lower()
                outcomes[f"{part.name} {result[2]}"] = FAIL if result[1] else SKIP if skipped else PASS
        return verdict(part.name, output, outcomes) if part.name in BY_VERDICT else outcomes


def verdict(file: str, output: str, outcomes: dict[str, str]) -> dict[str, str]:
    """Of the whole file: it came to its end, where it says how many there were, and none was "not ok"."""
    if outcomes.get(file) == SKIP:
        return outcomes
    planned = [int(plan[1]) for plan in map(PLAN.match, output.splitlines()) if plan]
    return {file: PASS if planned == [len(outcomes)] and FAIL not in outcomes.values() else FAIL}
