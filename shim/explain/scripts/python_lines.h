// The line of an instruction of CPython's.
#pragma once

#include <cstddef>
#include <span>

namespace portguard {

/// `version`: 0x030b for 3.11, since each form of the table has its own rules. `instruction`: offset in
/// bytes. 0: it has no line, or the table ends before.
int python_line(unsigned version, std::span<const std::byte> table, int first_line, std::size_t instruction);

} // namespace portguard
