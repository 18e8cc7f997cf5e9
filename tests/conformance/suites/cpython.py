"""CPython's own tests of sockets, as Debian packs them."""

import pathlib
import xml.etree.ElementTree

import fetch
from suite import FAIL, PASS, SCRATCH, SKIP, Part, Suite, SuiteError

# Vsock has no loopback in a guest: those tests wait for a host that never answers.
LEFT_OUT = "test.test_socket.ThreadedVSOCK*"
WHOLE = ["test_socket", "test_asyncio", "test_ftplib", "test_ssl"]
# Those that do not wait for timeouts of their own.
FAST = {"test_socket": ["test.test_socket.GeneralModuleTests.*", "test.test_socket.*TCPTest*", "test.test_socket.*UDPTest*",
                        "test.test_socket.NetworkConnectionNoServer.*", "test.test_socket.CreateServer*"],
        "test_asyncio": ["test.test_asyncio.test_server.*", "test.test_asyncio.test_streams.*",
                         "test.test_asyncio.test_sock_lowlevel.EPoll*"]}
REPORT = "report.xml"


class CPython(Suite):
    name = "cpython"
    tools = ("apt-get", "dpkg")
    jobs = 3
    # The interpreter comes from the same packages as its tests, whatever version is installed here.
    packages = ["python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libpython3.11-testsuite"]

    def _folder(self) -> pathlib.Path:
        return fetch.cache_folder() / self.name

    def prepare(self) -> str:
        fetch.make_once(self._folder(), lambda folder: fetch.Apt().unpack(self.packages, folder))
        return f"CPython {fetch.output_of([self._python(), '-VV']).split('[')[0].strip()}"

    def _python(self) -> str:
        return str(self._folder() / "usr" / "bin" / "python3.11")

    def _part(self, name: str, arguments: list[str]) -> Part:
        return Part(name, [self._python(), "-B", "-m", "test", "-i", LEFT_OUT, "--tempdir", SCRATCH,
                           "--junit-xml", f"{SCRATCH}/{REPORT}", *arguments], self._folder())

    def parts(self, fast: bool) -> list[Part]:
        network = self._part("test_socketserver", ["-u", "network", "test_socketserver"])
        if not fast:
            return [network, *(self._part(name, [name]) for name in WHOLE)]
        return [network, *(self._part(f"some of {name}", [*(word for pattern in patterns for word in ("-m", pattern)), name])
                           for name, patterns in FAST.items())]

    def outcomes(self, part: Part, output: str, scratch: pathlib.Path) -> dict[str, str]:
        try:
            cases = xml.etree.ElementTree.parse(scratch / REPORT).iter("testcase")
        except (OSError, xml.etree.ElementTree.ParseError) as error:
            raise SuiteError(f"cpython: {part.name} wrote no report ({error}); it printed:\n{output[-2000:]}") from error
        outcomes: dict[str, str] = {}
        for case in cases:
            failed = case.find("failure") is not None or case.find("error") is not None
            skipped = case.find("skipped") is not None or case.get("result") == "skipped"
            name = case.get("name", "")
            # Subtests come under the name of their test, which fails with any of them.
            if outcomes.get(name) != FAIL:
                outcomes[name] = FAIL if failed else SKIP if skipped else PASS
        return outcomes
