// The host's side of the plan: the sysctls, read once a process.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/outgoing.h"
#include "core/socket_facts.h"

namespace portguard::outgoing_side {

/// An OutgoingPlan in words that can be published without a lock: `ephemeral` first, then `plan`, whose
/// `published` bit says that both are there. Threads that compute at the same time publish the same.
struct PublishedPlan {
    static constexpr std::uint64_t published = std::uint64_t{1} << 63;
    static constexpr unsigned method_shift = 32;
    static constexpr std::uint64_t method_mask = std::uint64_t{0xff} << method_shift;

    std::atomic<std::uint64_t> plan{0};
    std::atomic<std::uint32_t> ephemeral{0};
};
[[gnu::visibility("hidden")]] extern constinit PublishedPlan published_plan;

/// True once the guard is awake and the host's ports are known.
inline bool is_published() {
    return published_plan.plan.load(std::memory_order_acquire) != 0;
}

/// True where, moreover, connect needs nothing: OutgoingMethod::none.
inline bool leaves_connect_alone() {
    static_assert(static_cast<int>(OutgoingMethod::none) == 0);
    const std::uint64_t plan = published_plan.plan.load(std::memory_order_acquire);
    return plan != 0 && (plan & PublishedPlan::method_mask) == 0;
}

/// The plan for this process. The first call reads two files under /proc/sys; all others load two words.
OutgoingPlan plan();

/// Sets IP_LOCAL_PORT_RANGE. A kernel that does not know it (before Linux 6.3) is remembered: plan() changes.
/// errno is left alone. False: it was not set.
bool clamp(int fd, PortRange range);

/// What the kernel says of a descriptor that we never saw. The protocol is never Protocol::unknown: what is
/// not a TCP, MPTCP or UDP socket, or no socket at all, is Protocol::other.
SocketFacts ask_kernel(int fd);

} // namespace portguard::outgoing_side
