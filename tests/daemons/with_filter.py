"""Runs a program in the sandbox of a unit in units/, as systemd would: with_filter.py UNIT PROGRAM [ARGUMENT...]

libseccomp by ctypes: Debian's systemd needs the library, nothing needs its headers.
"""

import ctypes
import errno
import os
import pwd
import socket
import subprocess
import sys

import units

ALLOW, KILL_PROCESS, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
NOT_EQUAL, LESS, EQUAL, GREATER, MASKED_EQUAL = 1, 2, 4, 6, 7
NO_SUCH_CALL = -1
PROT_WRITE, PROT_EXEC = 2, 4
NAMESPACES = {"cgroup": 0x02000000, "uts": 0x04000000, "ipc": 0x08000000, "user": 0x10000000, "pid": 0x20000000,
              "net": 0x40000000, "mount": 0x00020000}
PR_SET_NO_NEW_PRIVS = 38
CLONE_NEWNS = 0x00020000


class Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operation", ctypes.c_int), ("first", ctypes.c_uint64),
                ("second", ctypes.c_uint64)]


class Seccomp:
    """One filter of the kernel's: systemd loads one per line too."""

    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p

    def __init__(self, default: int) -> None:
        self.context = ctypes.c_void_p(self.library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action: int, call: str, *comparisons: Comparison) -> None:
        number = self.library.seccomp_syscall_resolve_name(call.encode())
        if number == NO_SUCH_CALL:
            return
        array = (Comparison * len(comparisons))(*comparisons)
        status = self.library.seccomp_rule_add_array(self.context, ctypes.c_uint32(action), number, len(comparisons), array)
        # What is the default already (EACCES), and a call that this CPU does not have (EDOM).
        if status not in (0, -errno.EACCES, -errno.EDOM):
            raise OSError(-status, f"seccomp rule for {call}")

    def load(self) -> None:
        # The program is to be judged, not whether it may execute: no NO_NEW_PRIVS but where the unit has it.
        self.library.seccomp_attr_set(self.context, 3, 0)
        status = self.library.seccomp_load(self.context)
        if status != 0:
            raise OSError(-status, "seccomp_load")


def system_calls(unit: units.Unit) -> None:
    negative = ERRNO | getattr(errno, unit.error_number) if unit.error_number else KILL_PROCESS
    found = Seccomp(negative if unit.filter.allows else ALLOW)
    for call in sorted(unit.filter.calls):
        found.add(ALLOW if unit.filter.allows else negative, call)
    found.load()


def address_families(allowed: set[str]) -> None:
    """As systemd: all below and above the allowed ones, and each between that is not one of them."""
    numbers = sorted(getattr(socket, name) for name in allowed)
    refused = [Comparison(0, LESS, numbers[0], 0), Comparison(0, GREATER, numbers[-1], 0)]
    refused += [Comparison(0, EQUAL, between, 0) for between in range(numbers[0], numbers[-1]) if between not in numbers]
    found = Seccomp(ALLOW)
    for comparison in refused:
        found.add(ERRNO | errno.EAFNOSUPPORT, "socket", comparison)
    found.load()


def writable_code() -> None:
    found = Seccomp(ALLOW)
    both = PROT_WRITE | PROT_EXEC
    found.add(ERRNO | errno.EPERM, "mmap", Comparison(2, MASKED_EQUAL, both, both))
    for call in ("mprotect", "pkey_mprotect"):
        found.add(ERRNO | errno.EPERM, call, Comparison(2, MASKED_EQUAL, PROT_EXEC, PROT_EXEC))
    found.load()


def namespaces() -> None:
    found = Seccomp(ALLOW)
    found.add(ERRNO | errno.ENOSYS, "clone3")
    for flag in NAMESPACES.values():
        for call in ("clone", "unshare"):
            found.add(ERRNO | errno.EPERM, call, Comparison(0, MASKED_EQUAL, flag, flag))
    found.add(ERRNO | errno.EPERM, "setns")
    found.load()


def hide_other_processes(how: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNS)")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "proc", "-o", f"hidepid={how}", "proc", "/proc"], check=True)


def become(name: str) -> None:
    """A package that is not installed has no user yet."""
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        user = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)


def enter(unit: units.Unit) -> None:
    if unit.protect_proc:
        hide_other_processes(unit.protect_proc)
    if unit.user:
        become(unit.user)
    if unit.flags["NoNewPrivileges"] or unit.user:
        # Without it, only root may load a filter.
        ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if unit.families is not None:
        address_families(unit.families)
    if unit.flags["MemoryDenyWriteExecute"]:
        writable_code()
    if unit.flags["RestrictNamespaces"]:
        namespaces()
    # Last, as it forbids what the others need.
    if unit.filter.given:
        system_calls(unit)


def main() -> None:
    preloaded = os.environ.pop("WITH_FILTER_PRELOAD", None)
    enter(units.Unit(sys.argv[1]))
    if preloaded:
        os.environ["LD_PRELOAD"] = preloaded
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
