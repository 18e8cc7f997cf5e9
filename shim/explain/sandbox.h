// The sandbox of the program, which is this process's as well.
#pragma once

namespace portguard {

/// A system call of pidfd.h's may end this process, as the filters of Debian's units for redis and others
/// have it: tried by a child, where there is a filter at all.
bool is_borrowing_deadly();

} // namespace portguard
