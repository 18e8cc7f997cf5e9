// What the host's sysctls make of the plan: read once per process.
#pragma once

#include <atomic>
#include <cstdint>

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/endpoint.h"
#include "core/outgoing.h"

namespace portguard::host_plan {

/// An OutgoingPlan in words that can be published without a lock: `plan` comes last, whose
/// `published` bit says that all are there. Threads that compute at the same time publish the same.
struct PublishedPlan {
    static constexpr std::uint64_t published = std::uint64_t{1} << 63;
    static constexpr std::uint64_t enforced = std::uint64_t{1} << 60;
    static constexpr std::uint64_t injects = std::uint64_t{1} << 59;
    static constexpr std::uint64_t defers = std::uint64_t{1} << 58;
    static constexpr std::uint64_t remembers = std::uint64_t{1} << 57;
    static constexpr unsigned method_shift = 32;
    static constexpr std::uint64_t method_mask = std::uint64_t{0xff} << method_shift;

    std::atomic<std::uint64_t> plan{0};
    std::atomic<std::uint32_t> ephemeral{0};
    std::atomic<std::uint32_t> divisible{0};
    /// net.ipv4.ip_local_port_range.
    std::atomic<std::uint32_t> host{0};
};
[[gnu::visibility("hidden")]] extern constinit PublishedPlan published_plan;

/// True once the guard is awake and the host's ports are known, where `listen` is enforced, no call is to
/// fail on purpose or to be remembered, and no port deferred: a bind inside the plan needs nothing then.
inline bool enforces_listen() {
    return (published_plan.plan.load(std::memory_order_acquire) & PublishedPlan::enforced) != 0;
}

/// True where the plan is published and connect needs nothing: OutgoingMethod::none, no fault asked for,
/// nothing to be remembered, no port deferred, and the destination's port is not one that the connection
/// could meet itself on (K15).
inline bool leaves_connect_alone(const sockaddr* address, socklen_t length) {
    static_assert(static_cast<int>(OutgoingMethod::none) == 0);
    const std::uint64_t plan = published_plan.plan.load(std::memory_order_acquire);
    constexpr std::uint64_t slow = PublishedPlan::method_mask | PublishedPlan::injects |
                                   PublishedPlan::defers | PublishedPlan::remembers;
    if (plan == 0 || (plan & slow) != 0 || !is_plausible(address) || length < sizeof(sockaddr_in)) {
        return false;
    }
    // The port stands at the same offset in both families (core/policy.h asserts it); in others it is taken
    // for one, and decided about the long way.
    const std::uint16_t port = ntohs(reinterpret_cast<const sockaddr_in*>(address)->sin_port);
    const std::uint32_t divisible = published_plan.divisible.load(std::memory_order_relaxed);
    return port < (divisible & 0xffff) || port > (divisible >> 16);
}

/// The plan for this process. The first call reads two files under /proc/sys; all others load two words.
OutgoingPlan plan();

/// net.ipv4.ip_local_port_range, as plan() has read it.
PortRange host_range();

/// net.ipv4.ip_local_reserved_ports holds it. Opens a file: for the child.
bool is_reserved(std::uint16_t port);

/// Sets IP_LOCAL_PORT_RANGE. A kernel that does not know it (before Linux 6.3) is remembered: plan() changes.
/// errno is left alone. False: it was not set.
bool clamp(int fd, PortRange range);

} // namespace portguard::host_plan
