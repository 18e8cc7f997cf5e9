"""What a question is asked with: the build, whether a quick look is enough, and a folder that goes afterwards."""

import ctypes
import os
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[2]
CLONE_NEWNS = 0x00020000

sys.path.insert(0, str(TESTS / "apps"))
import harness  # noqa: E402


class Context:
    def __init__(self, build: str, quick: bool, folder: str) -> None:
        self.build = build
        self.quick = quick
        self.folder = folder

    def rounds(self, full: int, quick: int = 2) -> int:
        return quick if self.quick else full


def isolate() -> None:
    """A network and mounts of our own; tracefs may be mounted in there without anybody else seeing it."""
    harness.enter_new_network()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNS)")
    ms_rec, ms_private = 16384, 1 << 18
    if libc.mount(b"none", b"/", None, ms_rec | ms_private, None) != 0:
        raise OSError(ctypes.get_errno(), "mount --make-rprivate /")


def clean_environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}
