// The bytes of a Snapshot, taken as what they are: another process's.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "core/snapshot.h"
#include "kernel/diag_socket.h"

namespace portguard {

struct ReadSnapshot {
    /// Every enumerator is one, every flag 0 or 1, every length within its array, every text ended.
    Snapshot snapshot;
    /// From the stack pointer upwards.
    std::vector<std::byte> stack;
};

/// Nothing: too short, another version, or values that no Snapshot has.
std::optional<ReadSnapshot> parse_snapshot(std::span<const std::byte> bytes);

/// As above, from the beginning of `fd`, wherever its offset is.
std::optional<ReadSnapshot> read_snapshot(int fd);

/// The sockets that overlap, where the child's look at the port stands in `fd` by now; nothing: the kernel
/// has to be asked.
std::optional<std::vector<DiagSocket>> read_look(int fd);

} // namespace portguard
