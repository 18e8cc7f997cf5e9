// The sandbox of the program, which is this process's as well.
#pragma once

namespace portguard {

/// A seccomp filter is in force, which may end this process for a system call.
bool is_under_filter();

/// A system call of pidfd.h's may end this process, as the filters of Debian's units for redis and others
/// have it: tried by a child.
bool is_borrowing_deadly();

} // namespace portguard
