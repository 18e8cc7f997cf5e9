// How old the kernel is, and whether a child that shares the program's memory takes the program along when it
// is killed.
#pragma once

#include <cstdint>
#include <span>

namespace portguard {

/// As LINUX_VERSION_CODE (linux/version.h) has it: 5.10.3 is 0x050a03.
using KernelVersion = std::uint32_t;

/// Of the running kernel, without a system call: uname(2) may be what a filter kills for. 0: there is no
/// vDSO, or it does not say.
KernelVersion kernel_version();

/// Before it, a process that dumps core took all with it that shared its memory (zap_threads(),
/// fs/coredump.c), whatever RLIMIT_CORE says. A filter of system calls that kills does so by a signal that
/// dumps core, and no handler of the child's can be in front of that. The tests build the shim with another
/// version.
#ifndef PORTGUARD_FIRST_KERNEL_THAT_SPARES
#define PORTGUARD_FIRST_KERNEL_THAT_SPARES 0x051000
#endif

/// True: a filter of system calls is in force, on a kernel that is older than that or does not say how old it
/// is. The kernel's age is read from the vDSO; only on an old one the program itself opens and reads
/// its own status in /proc, into `buffer`, and where that is not to be had a filter is taken for granted.
bool may_be_taken_along(std::span<char> buffer);

} // namespace portguard
