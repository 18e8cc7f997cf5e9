"""Debian's sources and packages, fetched once into a cache outside the repository.

apt is given a source list, lists and cache of its own: nothing of this machine's configuration is used or changed.
"""

import os
import pathlib
import subprocess
import tempfile

from suite import SuiteError

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ARCHIVES = (("http://deb.debian.org/debian", "bookworm"),
            ("http://deb.debian.org/debian-security", "bookworm-security"))


def cache_folder() -> pathlib.Path:
    return pathlib.Path(os.environ.get("PORTGUARD_TEST_CACHE", "/tmp/portguard-test-cache")).absolute()


def run_quietly(command: list[str], folder: pathlib.Path) -> None:
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode != 0:
        raise SuiteError(f"{' '.join(command)} failed in {folder} with {done.returncode}:\n{done.stdout[-4000:]}")


def make_once(folder: pathlib.Path, make) -> pathlib.Path:
    """`make(folder)` fills it; a folder that was left half made is not taken for a whole one."""
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}-unfinished-") as unfinished:
        made = pathlib.Path(unfinished) / folder.name
        made.mkdir()
        make(made)
        try:
            made.rename(folder)
        except OSError:
            if not folder.exists():  # else another run was quicker
                raise
    return folder


class Apt:
    def __init__(self) -> None:
        self.folder = make_once(cache_folder() / "apt", self._prepare)

    @staticmethod
    def _options(folder: pathlib.Path) -> list[str]:
        return ["--quiet", "-o", f"Dir::Etc::sourcelist={folder}/sources.list", "-o", "Dir::Etc::sourceparts=-",
                "-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache",
                "-o", "APT::Sandbox::User=root"]

    def _prepare(self, folder: pathlib.Path) -> None:
        for name in ("lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True)
        (folder / "sources.list").write_text("".join(
            f"{kind} [signed-by={KEYRING}] {address} {suite} main\n"
            for kind in ("deb", "deb-src") for address, suite in ARCHIVES))
        run_quietly(["apt-get", *self._options(folder), "update"], folder)

    def source(self, package: str, folder: pathlib.Path) -> None:
        """The patched source of `package` into `folder`."""
        run_quietly(["apt-get", *self._options(self.folder), "source", "--download-only", package], folder)
        description = next(folder.glob("*.dsc"))
        # apt has checked the signatures of the archive; dpkg-source would want the keys of each maintainer.
        run_quietly(["dpkg-source", "--no-check", "--extract", description.name, "source"], folder)

    def unpack(self, packages: list[str], folder: pathlib.Path) -> None:
        """The files of binary packages into `folder`; nothing is installed."""
        run_quietly(["apt-get", *self._options(self.folder), "download", *packages], folder)
        for package in sorted(folder.glob("*.deb")):
            run_quietly(["dpkg", "--extract", package.name, "."], folder)
            package.unlink()


def source_version(folder: pathlib.Path) -> str:
    """Debian's version of what `Apt.source` has put there."""
    lines = next(folder.glob("*.dsc")).read_text().splitlines()
    return next(line.removeprefix("Version: ") for line in lines if line.startswith("Version: "))


def output_of(command: list[str]) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
