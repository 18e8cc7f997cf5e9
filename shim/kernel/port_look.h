// May SO_REUSEADDR help a bind or listen that failed? The look of design 3.2, for a child that shares a
// program's memory: raw system calls and the caller's memory only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/overlap.h"

namespace portguard {

/// Of the TCP sockets that overlap the asked address, the asker's own left out.
struct PortLook {
    /// Every list was read as far as the answer needs it: a listener, or a socket that is only bound, ends
    /// the look.
    bool complete = false;
    bool listener = false;
    /// No `portguard hold` among them.
    bool bound_only = false;
    /// A connected or closing one, a TIME_WAIT, or a hold.
    bool yields = false;

    [[nodiscard]] bool is_empty() const { return complete && !yields && !listener && !bound_only; }
    [[nodiscard]] bool may_cure() const { return complete && yields && !listener && !bound_only; }
};

/// The kernel's messages of the sockets that a look has found to overlap, for who wants to know more of them
/// than PortLook: each numbered seen_sequence, for a DumpParser that takes any port.
struct SeenSockets {
    std::span<std::byte> room;
    /// Also what says no more about a cure.
    bool wants_all = false;
    std::size_t used = 0;
    /// There is more than `room` holds.
    bool is_full = false;
    /// All of them are there.
    bool whole = false;
};
inline constexpr std::uint32_t seen_sequence = 1;

/// In the network namespace of the calling thread. `own_inode` is the asking socket's (fstat(2)); 0: none.
/// `buffer` takes the kernel's answers and has dump_datagram_size bytes at least. Never waits; after
/// `budget_ms` it gives up. With `seen` it reads the list of the connected to its end, as long as there is
/// room, or all lists.
PortLook look_at_port(const AskedAddress& asked, std::uint64_t own_inode, std::span<std::byte> buffer,
                      unsigned budget_ms, SeenSockets* seen = nullptr);

} // namespace portguard
