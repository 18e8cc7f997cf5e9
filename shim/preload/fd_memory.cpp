#include "preload/fd_memory.h"

namespace portguard::fd_memory {

// 64 neighbours to a line, and no line shared with anything else.
alignas(64) constinit std::array<std::atomic<std::uint8_t>, capacity> table{};

} // namespace portguard::fd_memory
