#include "preload/aftermath.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <netinet/in.h>

#include "preload/fd_memory.h"
#include "preload/given_numbers.h"
#include "preload/guard.h"
#include "preload/host_plan.h"
#include "preload/kernel_answer.h"
#include "preload/occurrence.h"
#include "preload/socket_state.h"

namespace portguard {

namespace {

/// A server is refused its one UDP port. Who is refused another one after that draws them by lot, as
/// resolvers do (RFC 5452), and goes on.
bool draws_ports(Protocol protocol, std::uint16_t port) {
    static constinit std::atomic<std::uint16_t> first{0};
    std::uint16_t before = 0;
    return protocol == Protocol::udp && !first.compare_exchange_strong(before, port) && before != port;
}

/// A unix socket's, whose name is taken.
void tell_taken_name(int fd, const sockaddr* address, socklen_t length) {
    if (!unix_name(address, length).empty()) {
        tell({EventKind::in_use, Call::bind, fd, EADDRINUSE, address, length,
              SocketFacts::of(Protocol::unix_domain)});
    }
}

/// Of the socket or the address, whoever holds the port.
bool is_invalid(int error) {
    return error == EINVAL || error == ENODEV || error == EAFNOSUPPORT;
}

/// Tells what stands in the way of a bind that failed with errno.
void tell_failed_bind(Occurrence occurrence) {
    occurrence.kind = occurrence.error == EADDRINUSE      ? EventKind::exhausted
                      : occurrence.error == EADDRNOTAVAIL ? EventKind::unavailable
                      : is_invalid(occurrence.error)      ? EventKind::invalid
                                                          : EventKind::privileged;
    tell(occurrence);
}

/// An internet address that the kernel has read, too short for its family as it may be: longer than
/// sockaddr_storage it is refused unread.
bool is_internet_address(const sockaddr* address, socklen_t length) {
    sa_family_t family = AF_UNSPEC;
    if (is_plausible(address) && length >= sizeof family && length <= sizeof(sockaddr_storage)) {
        std::memcpy(&family, address, sizeof family);
    }
    return family == AF_INET || family == AF_INET6;
}

/// The group of a setsockopt(2) that the kernel has read. False: not of one of the forms that it takes.
bool read_group(int level, int option, const void* value, socklen_t length, sockaddr_storage& group) {
    if (option == MCAST_JOIN_GROUP) {
        if (length < sizeof(group_req)) {
            return false;
        }
        std::memcpy(&group, static_cast<const char*>(value) + offsetof(group_req, gr_group), sizeof group);
        return true;
    }
    const bool is_ipv6 = level == SOL_IPV6;
    group.ss_family = is_ipv6 ? AF_INET6 : AF_INET;
    const std::size_t size = is_ipv6 ? sizeof(in6_addr) : sizeof(in_addr);
    if (length < size) {
        return false;
    }
    // ip_mreq, ip_mreqn, ip_mreq_source and ipv6_mreq begin with it.
    std::memcpy(reinterpret_cast<char*>(&group) +
                    (is_ipv6 ? offsetof(sockaddr_in6, sin6_addr) : offsetof(sockaddr_in, sin_addr)),
                value, size);
    return true;
}

/// Cures or tells a bind that failed with `error`. True: it is cured.
bool is_bind_cured(int fd, const sockaddr* address, socklen_t length, SocketFacts facts, int error) {
    // With these errors the kernel has read the address; others come before (EBADF, ENOTSOCK) or because it
    // cannot (EFAULT), and then we could not either.
    if (error != EADDRINUSE && error != EADDRNOTAVAIL && error != EACCES && !is_invalid(error)) {
        return false;
    }
    if (is_invalid(error)) {
        if (is_internet_address(address, length)) {
            tell({EventKind::invalid, Call::bind, fd, error, address, length, facts});
        }
        return false;
    }
    const Target target = read_target(address, length);
    if (target.family == Family::other) {
        if (error == EADDRINUSE) {
            tell_taken_name(fd, address, length);
        }
        return false;
    }
    if (error == EACCES && target.port == 0) {
        return false;
    }
    const Occurrence occurrence{EventKind::in_use, Call::bind, fd, error, address, length, facts};
    if (error != EADDRINUSE || target.port == 0) {
        tell_failed_bind(occurrence);
        return false;
    }
    const CureOutcome outcome = cure_or_tell(occurrence);
    if (outcome.cured) {
        fd_memory::remember(fd, decide_bind(guard::config(), host_plan::plan(), outcome.facts, target).next);
    }
    return outcome.cured;
}

/// The same for listen.
bool is_listen_cured(int fd, int backlog, SocketFacts facts, int error) {
    if (error == EINVAL) {
        tell({EventKind::invalid, Call::listen, fd, error, nullptr, 0, facts});
    }
    if (error != EADDRINUSE) {
        return false;
    }
    Occurrence occurrence{EventKind::in_use, Call::listen, fd, EADDRINUSE, nullptr, 0, facts};
    occurrence.backlog = backlog;
    // The kernel's own choice is nobody else's, so that what has a port here was bound by the program; by
    // which number is not always remembered. A number that was given once may be bound by number later.
    const socket_state::LocalAddress local = socket_state::local_address(fd);
    const std::uint16_t port = local.port();
    if (port != 0 && (facts.port() != PortChoice::kernel || !given_numbers::contain(port))) {
        return cure_or_tell(occurrence).cured;
    }
    // Where a filter refuses getsockname, that no port was left is not known.
    occurrence.kind = port == 0 && local.length != 0 ? EventKind::exhausted : EventKind::in_use;
    tell(occurrence);
    return false;
}

} // namespace

bool refuse_bind(int fd, const sockaddr* address, socklen_t length, Target target, Verdict& verdict) {
    const SocketFacts facts = socket_state::facts_of(fd);
    if (facts.protocol() == Protocol::other || given_numbers::contain(target.port)) {
        verdict = {.next = verdict.next.with_port(PortChoice::program)};
        return false;
    }
    Occurrence occurrence{EventKind::refused, Call::bind, fd, 0, address, length, facts};
    occurrence.error = kernel_answer_to_bind(fd, address, length);
    if (occurrence.error == 0) {
        occurrence.error = refusal_errno(guard::config(), facts.protocol());
        if (!draws_ports(facts.protocol(), target.port)) {
            tell(occurrence);
        }
    } else if (occurrence.error == EADDRNOTAVAIL || occurrence.error == EACCES ||
               is_invalid(occurrence.error)) {
        tell_failed_bind(occurrence);
    }
    // Not left to the kernel, whom another thread may by now have given reason to take the bind.
    errno = occurrence.error;
    return true;
}

bool refuse_listen(int fd, const OutgoingPlan& plan) {
    const std::uint16_t port = socket_state::local_address(fd).port();
    // A connection is refused by the kernel, and what listens already is not stopped by refusing this.
    if (socket_state::tcp_state(fd) != TCP_CLOSE || !plan.ephemeral.contains(port) ||
        given_numbers::contain(port)) {
        return false;
    }
    const SocketFacts facts = socket_state::facts_of(fd);
    const int error = refusal_errno(guard::config(), facts.protocol());
    tell({EventKind::refused, Call::listen, fd, error, nullptr, 0, facts});
    errno = error;
    return true;
}

int after_failed_bind(int fd, const sockaddr* address, socklen_t length, SocketFacts facts, int error) {
    if (is_bind_cured(fd, address, length, facts, error)) {
        return 0;
    }
    errno = error;
    return -1;
}

int after_failed_foreign_bind(int fd, const sockaddr* address, socklen_t length) {
    // Other errors may say that the address cannot be read.
    if (errno == EADDRINUSE && guard::is_awake()) {
        tell_taken_name(fd, address, length);
    }
    return -1;
}

int after_failed_join(int fd, int level, int option, const void* value, socklen_t length) {
    sockaddr_storage group{};
    if (errno == EADDRINUSE && read_group(level, option, value, length, group)) {
        tell({EventKind::joined, Call::setsockopt, fd, EADDRINUSE, reinterpret_cast<const sockaddr*>(&group),
              sizeof group, SocketFacts{}});
    }
    return -1;
}

void tell_passed(int fd, Call call, const sockaddr* address, socklen_t length, SocketFacts facts) {
    const Protocol protocol = facts.protocol();
    if (call == Call::bind && draws_ports(protocol, read_target(address, length).port)) {
        return;
    }
    tell({EventKind::refused, call, fd, refusal_errno(guard::config(), protocol), address, length, facts});
}

void tell_listener(int fd, DueReport report, SocketFacts facts) {
    if (given_numbers::contain(socket_state::local_address(fd).port())) {
        return;
    }
    if (report == DueReport::refused) {
        tell_passed(fd, Call::listen, nullptr, 0, facts);
    } else {
        tell({EventKind::ephemeral_listener, Call::listen, fd, 0, nullptr, 0, facts});
    }
}

int after_failed_listen(int fd, int backlog, SocketFacts facts, int error) {
    if (is_listen_cured(fd, backlog, facts, error)) {
        return 0;
    }
    errno = error;
    return -1;
}

void tell_exhausted_port_zero(int fd, SocketFacts facts) {
    const socket_state::LocalAddress local = socket_state::local_address(fd);
    tell({EventKind::exhausted, Call::bind, fd, EADDRINUSE, reinterpret_cast<const sockaddr*>(&local.storage),
          local.length, facts});
}

int after_exhausted_listen(int fd, SocketFacts facts) {
    tell({EventKind::exhausted, Call::listen, fd, EADDRINUSE, nullptr, 0, facts});
    return -1;
}

int after_failed_connect(int fd, const sockaddr* address, socklen_t length, SocketFacts facts) {
    // UDP says EAGAIN when its range is used up (measured); TCP never does in connect.
    const int error = errno;
    if (error == EADDRNOTAVAIL || (error == EAGAIN && facts.protocol() == Protocol::udp)) {
        tell({EventKind::exhausted, Call::connect, fd, error, address, length, facts});
    }
    errno = error;
    return -1;
}

} // namespace portguard
