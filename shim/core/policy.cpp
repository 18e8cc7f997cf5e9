#include "core/policy.h"

#include <cerrno>

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/options.h"
#include "core/socket_options.h"

namespace portguard {
namespace {

constexpr int socket_type_mask =
    0xf; // SOCK_TYPE_MASK, include/linux/net.h: the rest are SOCK_NONBLOCK, SOCK_CLOEXEC

bool enforces(const Config& config) {
    return config.mode == Mode::enforce;
}

/// A narrow range hands out ports that two UDP sockets share (measured): below this it is left alone.
constexpr std::uint32_t narrowest_udp_range = 4096;

/// UDP sockets with SO_REUSEADDR share ports that the kernel chooses, the more the narrower the range is.
bool is_udp_shareable(SocketFacts facts) {
    return facts.protocol() == Protocol::udp && facts.chose_reuseaddr();
}

/// All of `range`, or its larger part beside `avoid` and then the other.
Verdict divide_range(PortRange range, std::uint16_t avoid, SocketFacts facts) {
    return {.before = Before::set_port_range,
            .range = without_port(range, avoid),
            .other_range = smaller_part(range, avoid),
            .next = facts.with_clamp()};
}

/// Keeps the port that the kernel will choose inside the plan's range, by whatever the plan has for that.
Verdict keep_in_range(const OutgoingPlan& plan, SocketFacts facts, std::uint16_t avoid) {
    const bool udp = facts.protocol() == Protocol::udp;
    if (facts.chose_range() || (!facts.is_tcp_like() && !udp)) {
        return {.next = facts};
    }
    if (is_udp_shareable(facts)) {
        // An empty range: the kernel's own. Ours was set before the program chose.
        return facts.clamped() ? Verdict{.before = Before::set_port_range, .next = facts.without_clamp()}
                               : Verdict{.next = facts};
    }
    if (plan.binds) {
        return {.before = Before::bind_in_range, .avoid = avoid, .range = plan.range, .next = facts};
    }
    const bool divided = avoid != 0 && plan.range.contains(avoid);
    if ((facts.clamped() && !divided) || (udp && plan.range.size() < narrowest_udp_range)) {
        return {.next = facts};
    }
    return divide_range(plan.range, avoid, facts);
}

Verdict decide_port_zero(const Config& config, const OutgoingPlan& plan, SocketFacts facts) {
    const bool from_listen = config.port_zero == PortZero::listen && config.has_listen;
    const SocketFacts chosen = facts.with_port(PortChoice::kernel);
    if (!enforces(config) || (!from_listen && !plan.clamp_port_zero)) {
        return {.next = chosen};
    }
    if (facts.protocol() == Protocol::unknown) {
        return {.before = Before::ask_kernel};
    }
    if (!from_listen) {
        return keep_in_range(plan, chosen, 0);
    }
    if (facts.chose_range() || is_udp_shareable(facts)) {
        return {.next = chosen};
    }
    return {.before = Before::bind_in_listen, .next = chosen};
}

Verdict decide_outgoing(const Config& config, const OutgoingPlan& plan, SocketFacts facts,
                        std::uint16_t avoid) {
    switch (plan.connect) {
    case OutgoingMethod::socket_range:
    case OutgoingMethod::explicit_bind: return keep_in_range(plan, facts, facts.is_tcp_like() ? avoid : 0);
    case OutgoingMethod::none:
        // The kernel's choice is right but for the one port that would meet itself.
        if (avoid != 0 && facts.is_tcp_like() && !facts.chose_range() && plan.divisible.contains(avoid)) {
            return divide_range(plan.divisible, avoid, facts);
        }
        return {.next = facts};
    case OutgoingMethod::courtesy: break;
    }
    // MPTCP refuses the option once it is connected (K2).
    if (facts.protocol() == Protocol::tcp && config.reuseaddr == ReuseAddress::automatic &&
        !facts.chose_reuseaddr()) {
        return {.after = After::give_courtesy, .next = facts.with_port(PortChoice::courteous)};
    }
    return {.next = facts};
}

/// An explicit port that is not one of `listen`.
Verdict decide_outside_listen(const Config& config, const OutgoingPlan& plan, SocketFacts facts,
                              Target target) {
    // What a client, a proxy or a resolver binds before it connects; listening there is what the plan
    // forbids.
    if (plan.ephemeral.contains(target.port)) {
        return {.next =
                    facts.with_port(facts.protocol() == Protocol::udp ? PortChoice::program
                                                                      : PortChoice::program_in_ephemeral)};
    }
    if (facts.protocol() == Protocol::unknown) {
        return {.before = Before::ask_kernel};
    }
    if (enforces(config)) {
        return {.before = Before::refuse, .next = facts};
    }
    return {.report = DueReport::refused, .next = facts.with_port(PortChoice::program)};
}

/// listen on a port that the program has bound.
Verdict decide_listen_on_own_port(const Config& config, SocketFacts facts) {
    Verdict verdict{.next = facts};
    if (facts.port() == PortChoice::program_in_ephemeral && config.has_listen) {
        if (enforces(config)) {
            return {.before = Before::refuse, .next = facts};
        }
        verdict.report = DueReport::refused;
    } else if (facts.port() == PortChoice::program_in_ephemeral) {
        verdict.report = DueReport::ephemeral_listener;
    }
    if (enforces(config) && config.reuseaddr != ReuseAddress::off && !facts.chose_reuseaddr()) {
        verdict.after = After::mark_listener;
    }
    return verdict;
}

} // namespace

SocketFacts facts_of_socket(int domain, int type, int protocol) {
    const int base_type = type & socket_type_mask;
    if (domain != AF_INET && domain != AF_INET6) {
        return SocketFacts::of(Protocol::other);
    }
    if (base_type == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP)) {
        return SocketFacts::of(Protocol::tcp);
    }
    if (base_type == SOCK_STREAM && protocol == IPPROTO_MPTCP) {
        return SocketFacts::of(Protocol::mptcp);
    }
    if (base_type == SOCK_DGRAM && (protocol == 0 || protocol == IPPROTO_UDP)) {
        return SocketFacts::of(Protocol::udp);
    }
    return SocketFacts::of(Protocol::other);
}

Verdict decide_bind(const Config& config, const OutgoingPlan& plan, SocketFacts facts, Target target) {
    if (config.mode == Mode::off || target.family == Family::other || facts.protocol() == Protocol::other) {
        return {.next = facts};
    }
    if (target.unspecified_family && facts.protocol() == Protocol::unknown) {
        // AF_UNSPEC means something else on sockets that are not of the internet.
        return {.before = Before::ask_kernel};
    }
    if (target.port == 0) {
        return decide_port_zero(config, plan, facts);
    }
    if (config.has_listen && !config.listen.contains(target.port)) {
        return decide_outside_listen(config, plan, facts, target);
    }
    // Not for UDP: resolvers draw their source ports with bind, as a defence against forged answers (RFC
    // 5452).
    const bool at_risk =
        !config.has_listen && plan.ephemeral.contains(target.port) && facts.protocol() != Protocol::udp;
    return {.next = facts.with_port(at_risk ? PortChoice::program_in_ephemeral : PortChoice::program)};
}

int refusal_errno(const Config& config, Protocol protocol) {
    if (config.deny_errno == DenyErrno::automatic && protocol == Protocol::udp) {
        return EADDRINUSE;
    }
    return errno_value(config.deny_errno);
}

bool may_try_cure(const Config& config, SocketFacts facts) {
    return enforces(config) && config.reuseaddr != ReuseAddress::off && facts.is_tcp_like() &&
           !facts.chose_reuseaddr();
}

Verdict decide_listen(const Config& config, const OutgoingPlan& plan, SocketFacts facts) {
    const bool fixed =
        facts.port() == PortChoice::program || facts.port() == PortChoice::program_in_ephemeral;
    if (config.mode == Mode::off || facts.protocol() == Protocol::udp ||
        facts.protocol() == Protocol::other) {
        return {.next = facts};
    }
    if (fixed) {
        return decide_listen_on_own_port(config, facts);
    }
    // listen without bind lets the kernel choose a port, as bind to port 0 does.
    if (!facts.is_tcp_like() || facts.port() != PortChoice::kernel) {
        return {.next = facts};
    }
    return decide_port_zero(config, plan, facts);
}

Verdict decide_socket(const Config& config, const OutgoingPlan& plan, SocketFacts facts) {
    if (!enforces(config) || facts.protocol() != Protocol::udp ||
        plan.connect != OutgoingMethod::socket_range) {
        return {.next = facts};
    }
    return keep_in_range(plan, facts, 0);
}

Verdict decide_connect(const Config& config, const OutgoingPlan& plan, SocketFacts facts,
                       std::uint16_t avoid) {
    if (!enforces(config) || facts.protocol() == Protocol::other) {
        return {.next = facts};
    }
    if (facts.protocol() == Protocol::unknown) {
        // Whose port the kernel chose cannot be asked, so there is no courtesy for it.
        const bool keeps =
            plan.connect == OutgoingMethod::socket_range || plan.connect == OutgoingMethod::explicit_bind;
        return keeps ? Verdict{.before = Before::ask_kernel, .next = facts} : Verdict{.next = facts};
    }
    return facts.port() == PortChoice::kernel ? decide_outgoing(config, plan, facts, avoid)
                                              : Verdict{.next = facts};
}

bool ends_courtesy(int error, bool disconnect) {
    switch (error) {
    case 0: return disconnect;
    case EINPROGRESS:
    case EALREADY:
    case EISCONN:
    // The attempt goes on without the caller (connect(2)).
    case EINTR: return false;
    default: return true;
    }
}

Verdict decide_without_range(const Config& config, const Verdict& refused, SocketFacts facts) {
    if (config.range_method != RangeMethod::automatic || refused.range.empty()) {
        return {.next = facts};
    }
    return {.before = Before::bind_in_range, .range = refused.range, .next = facts};
}

SocketFacts facts_after_setsockopt(SocketFacts facts, int level, int option) {
    if (level == SOL_SOCKET && option == SO_REUSEADDR) {
        return facts.with_chosen_reuseaddr();
    }
    return facts.with_chosen_range();
}

} // namespace portguard
