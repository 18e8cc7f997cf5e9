"""The TCL tests of redis, from Debian's source, with Debian's binaries."""

import pathlib
import re

import fetch
from suite import FAIL, PASS, SKIP, Part, Suite

BINARIES = ["redis-server", "redis-cli", "redis-benchmark", "redis-check-aof", "redis-check-rdb"]
# Not integration/replication: five minutes of full synchronisations, and the sockets are those of replication-2 to -4.
FAST = ["unit/networking", "unit/protocol", "unit/limits"]
WHOLE = [*FAST, "unit/auth", "unit/quit", "unit/pubsub", "unit/pubsubshard", "unit/wait", "unit/pause",
         "unit/introspection", "unit/introspection-2", "unit/obuf-limits", "unit/client-eviction", "unit/querybuf",
         "unit/replybufsize", "unit/tracking", "unit/shutdown", "unit/cluster", "unit/cluster/misc",
         "unit/cluster/links", "unit/cluster-scripting", "integration/redis-cli", "integration/redis-benchmark",
         "integration/failover", "integration/block-repl", "integration/replication-2",
         "integration/replication-3", "integration/replication-4", "integration/replication-buffer",
         "integration/psync2-reg", "integration/psync2-master-restart", "integration/shutdown", "integration/logging"]
WORDS = {"ok": PASS, "skip": SKIP, "ignore": SKIP, "err": FAIL, "exception": FAIL, "timeout": FAIL}
LINE = re.compile(r"^\[(ok|skip|ignore|err|exception|timeout)\]:? ?(.*)$")
DURATION = re.compile(r" \(\d+ ms\)$")
# A failure's line goes on with where it stands and what was seen.
WHERE = re.compile(r" in tests/\S+$|: .*$")


class Redis(Suite):
    name = "redis"
    tools = ("apt-get", "dpkg-source", "tclsh", *BINARIES)

    def _folder(self) -> pathlib.Path:
        return fetch.cache_folder() / self.name

    def _make(self, folder: pathlib.Path) -> None:
        fetch.Apt().source("redis", folder)
        for binary in BINARIES:
            (folder / "source" / "src" / binary).symlink_to(f"/usr/bin/{binary}")

    def prepare(self) -> str:
        fetch.make_once(self._folder(), self._make)
        return f"redis {fetch.source_version(self._folder())}"

    def parts(self, fast: bool) -> list[Part]:
        return [Part(unit, ["./runtest", "--single", unit, "--clients", "1"], self._folder() / "source")
                for unit in (FAST if fast else WHOLE)]

    def outcomes(self, part: Part, output: str, scratch: pathlib.Path) -> dict[str, str]:
        outcomes: dict[str, str] = {}
        for line in output.splitlines():
            found = LINE.match(line)
            if not found:
                continue
            outcome = WORDS[found[1]]
            title = DURATION.sub("", found[2])
            name = f"{part.name}: {WHERE.sub('', title) if outcome == FAIL else title}"
            # Titles repeat, in loops over configurations.
            if outcomes.get(name) != FAIL:
                outcomes[name] = outcome
        return outcomes
