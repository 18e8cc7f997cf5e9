// Kernels that know or allow less than this one, for one program, by filters of system calls. For
// Run::before_exec.
#pragma once

namespace portguard::test {

/// Before Linux 6.3: setsockopt and getsockopt of IP_LOCAL_PORT_RANGE say ENOPROTOOPT.
void pretend_an_old_kernel();

/// clone(2) with just CLONE_VM and CLONE_VFORK says EPERM.
void forbid_children_that_share_memory();

/// The system call kills whoever makes it, by a signal that dumps core.
void kill_for(long number);

} // namespace portguard::test
