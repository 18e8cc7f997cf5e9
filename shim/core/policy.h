// Why: what is to be done about a call. Pure functions of the configuration, what is known of the host, and
// what is remembered of the socket; another front end than the preload can use them unchanged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/config.h"
#include "core/endpoint.h"
#include "core/event.h"
#include "core/outgoing.h"
#include "core/socket_facts.h"
#include "core/socket_options.h"

namespace portguard {

/// What to do before the program's own call is made.
enum class Before : std::uint8_t {
    nothing,
    /// The socket was never seen: ask the kernel for its protocol and options, then decide again.
    ask_kernel,
    /// Do not make the call: fail with refusal_errno() and report EventKind::refused.
    refuse,
    /// Set IP_LOCAL_PORT_RANGE to Verdict::range; an empty one takes ours away again.
    set_port_range,
    /// Bind to a free port of Verdict::range but Verdict::avoid. In bind(2) this is the call itself. A socket
    /// that has a port already is left as it is.
    bind_in_range,
    /// Bind to a free port of Config::listen (port_zero=listen).
    bind_in_listen,
};

/// What to do when it has succeeded.
enum class After : std::uint8_t {
    nothing,
    /// Set SO_REUSEADDR on the listener. Not earlier: between bind and listen the flag opens the port to any
    /// binder that has it (K7: of one run's binds 14,333 lost their listen so).
    mark_listener,
    /// Set SO_REUSEADDR, also when connect said EINPROGRESS: the port is chosen by then.
    give_courtesy,
};

/// What to report of a call that went through.
enum class DueReport : std::uint8_t {
    nothing,
    /// The plan is against it (observe): EventKind::refused.
    refused,
    /// EventKind::ephemeral_listener.
    ephemeral_listener,
};

struct Verdict {
    Before before = Before::nothing;
    After after = After::nothing;
    DueReport report = DueReport::nothing;
    std::uint16_t avoid = 0;
    PortRange range{};
    /// The rest of a range that was divided by a port to avoid: where `range` is full, this one may not be.
    PortRange other_range{};
    /// What to remember of the socket once the call has succeeded.
    SocketFacts next{};
};

/// socket(2): what is known of the new descriptor.
SocketFacts facts_of_socket(int domain, int type, int protocol);

/// bind(2). `target` comes from read_target().
Verdict decide_bind(const Config& config, const OutgoingPlan& plan, SocketFacts facts, Target target);

/// The frequent case of decide_bind, in few enough instructions to be made at every bind: true only where its
/// answer is "nothing to do, remember the program's port", because an explicit port of `listen` is asked for.
/// To be asked only where `listen` is enforced: elsewhere the kernel reads the address first, which may stand
/// on a page that is gone.
inline bool is_bind_in_plan(const Config& config, SocketFacts facts, const sockaddr* address,
                            socklen_t length) {
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    const Protocol protocol = facts.protocol();
    if (protocol == Protocol::unknown || protocol == Protocol::other ||
        facts.port() == PortChoice::courteous || !is_plausible(address) || length < sizeof(sockaddr_in) ||
        length > sizeof(sockaddr_storage)) {
        return false;
    }
    // Two copies, which become two loads: the program's sockaddr may stand at any place.
    sa_family_t family = AF_UNSPEC;
    in_port_t port = 0;
    std::memcpy(&family, address, sizeof family);
    std::memcpy(&port, reinterpret_cast<const char*>(address) + offsetof(sockaddr_in, sin_port), sizeof port);
    const bool is_internet =
        family == AF_INET || (family == AF_INET6 && length >= offsetof(sockaddr_in6, sin6_scope_id));
    return is_internet && config.listen.contains(ntohs(port));
}

/// An address without a port, such as a Unix socket's: no plan has a say in it. To be asked as
/// is_bind_in_plan is.
inline bool is_of_no_plan(const sockaddr* address, socklen_t length) {
    sa_family_t family = AF_UNSPEC;
    if (is_plausible(address) && length >= sizeof family) {
        std::memcpy(&family, address, sizeof family);
    }
    return family != AF_UNSPEC && family != AF_INET && family != AF_INET6;
}

/// The errno of a refusal. Config::deny_errno where it is set; else EACCES, and EADDRINUSE for UDP: on that
/// a resolver tries another port, and on EACCES it gives up (unbound lost 50 of 1,000 answers).
int refusal_errno(const Config& config, Protocol protocol);

/// bind(2) to an explicit port, or listen(2), said EADDRINUSE: may SO_REUSEADDR be tried (design 3.2), if the
/// holders turn out to be of the kind that it helps against? Needs facts whose protocol is known.
bool may_try_cure(const Config& config, SocketFacts facts);

/// socket(2) has made `facts`: UDP is kept in its range from the beginning, since sendto chooses a port, too.
Verdict decide_socket(const Config& config, const OutgoingPlan& plan, SocketFacts facts);

Verdict decide_listen(const Config& config, const OutgoingPlan& plan, SocketFacts facts);

/// connect(2) with an internet address. `avoid`: a port that must not become the local one, since the
/// destination is this port of this very host (K15); 0: none.
Verdict decide_connect(const Config& config, const OutgoingPlan& plan, SocketFacts facts,
                       std::uint16_t avoid = 0);

/// connect(2) on a socket that has our courtesy said `error` (0: it went through; `disconnect`: with
/// AF_UNSPEC). True: the port is given up, and the flag has to go with it.
bool ends_courtesy(int error, bool disconnect);

/// The kernel refused IP_LOCAL_PORT_RANGE for this socket, as `refused` wanted it, though it knows the option
/// (an MPTCP socket before the option reached these): what is left is an explicit bind.
Verdict decide_without_range(const Config& config, const Verdict& refused, SocketFacts facts);

/// True for the few options that the policy has to know about: SO_REUSEADDR and IP_LOCAL_PORT_RANGE.
inline bool is_watched_option(int level, int option) {
    return (level == SOL_SOCKET && option == SO_REUSEADDR) ||
           (level == SOL_IP && option == ip_local_port_range);
}

/// setsockopt(2) with it says EADDRINUSE of no port, but of a multicast group that the socket is a member of
/// already. Watched for its failure alone.
inline bool joins_group(int level, int option) {
    return (level == SOL_IP && (option == IP_ADD_MEMBERSHIP || option == IP_ADD_SOURCE_MEMBERSHIP ||
                                option == MCAST_JOIN_GROUP)) ||
           (level == SOL_IPV6 && (option == IPV6_JOIN_GROUP || option == MCAST_JOIN_GROUP));
}

/// A watched setsockopt(2) has succeeded.
SocketFacts facts_after_setsockopt(SocketFacts facts, int level, int option);

} // namespace portguard
