// Which side opened a TCP connection, by what the kernel counts: the side that sent the first SYN counts it
// among the bytes that were acknowledged (tcp_info), the side that accepted does not. Needs no right, and
// neither the process nor the peer (m: both families, with and without data).
#pragma once

#include <cstdint>

#include "kernel/deadline.h"
#include "kernel/diag_socket.h"
#include "kernel/syscalls.h"

namespace portguard {

enum class Opener : std::uint8_t {
    /// Bytes are in flight or a FIN was sent (which counts as a byte), TIME_WAIT, before Linux 4.19.
    unknown,
    this_side,
    /// A listener on the socket's own port accepted it.
    peer,
};

/// What tcp_info counts.
struct SegmentCounts {
    std::uint32_t unacknowledged = 0;
    std::uint64_t acknowledged_bytes = 0;
    std::uint64_t sent_bytes = 0;
    std::uint64_t repeated_bytes = 0;
};
Opener opener_by(const SegmentCounts& counts);

/// Asks the kernel about this one socket, of ESTABLISHED or CLOSE_WAIT.
Opener ask_opener(const DiagSocket& socket, const Deadline& deadline, const Syscalls& syscalls);

/// It is there still, by its cookie; also where the kernel does not say.
bool is_still_there(const DiagSocket& socket, const Deadline& deadline, const Syscalls& syscalls);

} // namespace portguard
