#include <cerrno>

#include "preload/aftermath.h"
#include "preload/courtesy.h"
#include "preload/deferred_port.h"
#include "preload/fd_memory.h"
#include "preload/guarded.h"
#include "preload/injection.h"
#include "preload/own_address.h"
#include "preload/port_search.h"
#include "preload/real.h"
#include "preload/remember.h"
#include "preload/socket_state.h"

namespace portguard {
namespace {

/// The destination's port, where it is one of this host and the local port might be the same (K15); else 0,
/// as for all but TCP.
std::uint16_t port_to_avoid(const OutgoingPlan& plan, SocketFacts facts, const Endpoint& destination) {
    if (!facts.is_tcp_like() || !plan.divisible.contains(destination.port)) {
        return 0;
    }
    const bool here = destination.is_loopback() || destination.is_wildcard() || is_own_address(destination);
    return here ? destination.port : std::uint16_t{0};
}

/// The destination, if the plan has a say in the local port that connect will choose; else Family::other. As
/// for AF_UNSPEC and for what the kernel refuses: a port given there would stay, and the program's next bind
/// would fail.
Endpoint steered_destination(const OutgoingPlan& plan, SocketFacts facts, const sockaddr* address,
                             socklen_t length) {
    return guard::config().mode == Mode::enforce && plan.connect != OutgoingMethod::courtesy &&
                   facts.port() == PortChoice::kernel && !is_disconnect(address, length)
               ? read_endpoint(address, length)
               : Endpoint{};
}

/// Keeps the coming choice inside the plan. False: no port is left. `facts` are known from here on.
bool steer(int fd, const OutgoingPlan& plan, const Endpoint& destination, SocketFacts& facts,
           Verdict& verdict) {
    if (facts.protocol() == Protocol::unknown &&
        decide_connect(guard::config(), plan, facts).before == Before::ask_kernel) {
        facts = socket_state::facts_of(fd);
    }
    const std::uint16_t avoid = port_to_avoid(plan, facts, destination);
    const auto decide = [&facts, avoid](const OutgoingPlan& now) {
        return decide_connect(guard::config(), now, facts, avoid);
    };
    verdict = set_range(fd, decide(plan), facts, decide);
    return port_search::give_port_if_wanted(fd, verdict);
}

int steered_connect(int fd, const sockaddr* address, socklen_t length, SocketFacts facts,
                    const Verdict& verdict) {
    int result = real::connect(fd, address, length);
    if (result != 0 && errno == EADDRNOTAVAIL && !verdict.other_range.empty() &&
        host_plan::clamp(fd, verdict.other_range)) {
        result = real::connect(fd, address, length);
    }
    if (result != 0 && errno != EINPROGRESS) {
        return after_failed_connect(fd, address, length, facts);
    }
    if (verdict.next != facts) {
        fd_memory::remember(fd, verdict.next);
    }
    return result;
}

/// While connect blocks, another thread may close the number, and get it back for another socket. The hooks
/// of close, dup2, dup3 and socket overwrite the memory of it, so that it is the same socket if the memory
/// still has what was left there; for what they do not see (K20), the kernel says that it is an outgoing TCP
/// connection.
int courteous_connect(int fd, const sockaddr* address, socklen_t length, SocketFacts facts,
                      SocketFacts next) {
    fd_memory::remember(fd, next);
    const int result = real::connect(fd, address, length);
    const bool has_port = result == 0 || errno == EINPROGRESS;
    if (fd_memory::recall(fd) == next && !(has_port && courtesy::give(fd, result == 0))) {
        fd_memory::remember(fd, facts);
    }
    return has_port ? result : after_failed_connect(fd, address, length, facts);
}

/// A socket that has the flag from us: what became of the connection, a new one, or connect with AF_UNSPEC.
int connect_again(int fd, const sockaddr* address, socklen_t length, SocketFacts facts) {
    const int result = real::connect(fd, address, length);
    // Having succeeded, the kernel has read the address.
    if (ends_courtesy(result == 0 ? 0 : errno, result == 0 && is_disconnect(address, length)) &&
        fd_memory::recall(fd) == facts) {
        courtesy::take_back(fd);
        fd_memory::remember(fd, facts.without_courtesy());
    }
    return result == 0 ? result : after_failed_connect(fd, address, length, facts);
}

int connect_by_plan(int fd, const sockaddr* address, socklen_t length, SocketFacts facts) {
    if (inject::fails(fd, Call::connect, address, length, facts)) {
        return -1;
    }
    deferred_port::forget_if_any(fd);
    if (facts.port() == PortChoice::courteous) {
        return connect_again(fd, address, length, facts);
    }
    const OutgoingPlan plan = host_plan::plan();
    const Endpoint destination = steered_destination(plan, facts, address, length);
    Verdict verdict{.next = facts};
    if (plan.connect == OutgoingMethod::courtesy) {
        verdict = decide_connect(guard::config(), plan, facts);
        if (verdict.after == After::give_courtesy && fd_memory::is_covered(fd) &&
            courtesy::may_be_given(fd)) {
            return courteous_connect(fd, address, length, facts, verdict.next);
        }
        verdict = {.next = facts};
    } else if (destination.family != Family::other && !steer(fd, plan, destination, facts, verdict)) {
        errno = EADDRNOTAVAIL;
        return after_failed_connect(fd, address, length, facts);
    }
    return steered_connect(fd, address, length, facts, verdict);
}

} // namespace

int guarded_connect(int fd, const sockaddr* address, socklen_t length, SocketFacts facts) {
    const int result = connect_by_plan(fd, address, length, facts);
    // At EINPROGRESS it has its port.
    if (remember::is_wanted() && (result == 0 || errno == EINPROGRESS)) [[unlikely]] {
        remember::keep(fd, Call::connect, facts.port() == PortChoice::kernel, read_endpoint(address, length));
    }
    return result;
}

} // namespace portguard
