"""What makes bind(2) fail with EACCES for a reason that is not the port's number."""

import ctypes
import errno
import os
import struct

SYS_LANDLOCK_CREATE_RULESET, SYS_LANDLOCK_RESTRICT_SELF = 444, 446
LANDLOCK_ACCESS_NET_BIND_TCP = 1
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
SECCOMP_MODE_FILTER = 2
SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW = 0x00050000, 0x7fff0000
BPF_LOAD_NUMBER, BPF_JUMP_IF_EQUAL, BPF_RETURN = 0x20, 0x15, 0x06
SYS_BIND = {"x86_64": 49, "aarch64": 200, "riscv64": 200}

libc = ctypes.CDLL(None, use_errno=True)


def landlock() -> None:
    rules = struct.pack("QQ", 0, LANDLOCK_ACCESS_NET_BIND_TCP)
    ruleset = libc.syscall(SYS_LANDLOCK_CREATE_RULESET, rules, len(rules), 0)
    if ruleset < 0:
        raise SystemExit("no Landlock for the network (Linux 6.7)")
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.syscall(SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0)


def seccomp() -> None:
    bind = SYS_BIND[os.uname().machine]
    steps = ((BPF_LOAD_NUMBER, 0, 0, 0), (BPF_JUMP_IF_EQUAL, 0, 1, bind),
             (BPF_RETURN, 0, 0, SECCOMP_RET_ERRNO | errno.EACCES), (BPF_RETURN, 0, 0, SECCOMP_RET_ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(code))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) != 0:
        raise SystemExit("no seccomp filter: " + os.strerror(ctypes.get_errno()))


BY_NAME = {"landlock": landlock, "seccomp": seccomp}
