"""What the suites have in common: how a part of one is run, and the words for what it says of each test."""

import abc
import concurrent.futures
import dataclasses
import os
import pathlib
import shutil
import subprocess
import tempfile

PASS, FAIL, SKIP = "pass", "fail", "skip"

# In a part's command: the folder that the part has to itself.
SCRATCH = "{scratch}"

# Enough for the slowest part on a machine that does other things as well.
PART_DEADLINE_S = 3600

PRIVATE_NET = pathlib.Path(__file__).resolve().parent.parent / "support" / "in-private-net"


class SuiteError(Exception):
    """One sentence for the user."""


@dataclasses.dataclass
class Part:
    """One command of a suite; it gets a network of its own."""
    name: str
    command: list[str]
    folder: pathlib.Path
    environment: dict[str, str] = dataclasses.field(default_factory=dict)

    def run(self, guard: list[str], scratch: pathlib.Path) -> str:
        """What it printed. Its exit status says no more than its list of tests does."""
        words = [word.replace(SCRATCH, str(scratch)) for word in self.command]
        inherited = {name: value for name, value in os.environ.items()
                     if not name.startswith(("PORTGUARD_", "LD_PRELOAD"))}
        environment = inherited | {"TMPDIR": str(scratch), "TERM": "dumb"} | self.environment
        with tempfile.TemporaryFile() as output:
            subprocess.run([str(PRIVATE_NET), *guard, *words], cwd=self.folder, env=environment,
                           stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                           timeout=PART_DEADLINE_S, check=False)
            output.seek(0)
            return output.read().decode(errors="replace")


class Suite(abc.ABC):
    name: str
    tools: tuple[str, ...] = ()
    jobs = 1
    # Of the ways to be guarded that tests/conformance/run knows.
    variants: tuple[str, ...] = ("default", "plan", "ci")
    # Where portguard was built.
    build: pathlib.Path

    @abc.abstractmethod
    def prepare(self) -> str:
        """Fetches and builds what is missing; what the suite is, with its version."""

    @abc.abstractmethod
    def parts(self, fast: bool) -> list[Part]: ...

    @abc.abstractmethod
    def outcomes(self, part: Part, output: str, scratch: pathlib.Path) -> dict[str, str]:
        """PASS, FAIL or SKIP of each test of a part that was run."""

    def check_tools(self) -> None:
        missing = [tool for tool in self.tools if shutil.which(tool) is None]
        if missing:
            raise SuiteError(f"{self.name} needs {', '.join(missing)}: tests/support/install-packages build tests")

    def run(self, fast: bool, guard: list[str], log: pathlib.Path) -> dict[str, str]:
        """The outcome of every test, each part behind the words of `guard`. What the parts print goes to `log`."""
        outcomes: dict[str, str] = {}
        with log.open("w", encoding="utf-8") as file, concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for part, output, found in pool.map(lambda part: self._run_part(part, guard), self.parts(fast)):
                file.write(f"== {part.name}\n{output}\n")
                if not found:
                    raise SuiteError(f"{self.name}: {part.name} told of no test at all; what it printed ends in\n"
                                     f"{output[-2000:]}")
                outcomes.update(found)
        return outcomes

    def _run_part(self, part: Part, guard: list[str]) -> tuple[Part, str, dict[str, str]]:
        with tempfile.TemporaryDirectory(prefix=f"portguard-{self.name}-") as folder:
            output = part.run(guard, pathlib.Path(folder))
            return part, output, self.outcomes(part, output, pathlib.Path(folder))
