// The file that explains events: `portguard-explain`, by the library (core/helper_place.h).
#pragma once

#include <span>
#include <string_view>

namespace portguard::helper_file {

/// A descriptor to execute, or -1: `why` says what is in the way, without a full stop. Only the file in or
/// below the folder from which this very library was mapped, as /proc/self/maps and the file itself agree:
/// never one of another root (H57), of a mount laid over it, or one that others may write to. `buffer` holds
/// a line of /proc/self/maps at least. For the child: it opens descriptors.
int open(std::span<char> buffer, const char*& why);

} // namespace portguard::helper_file
