#include "core/policy.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/socket_options.h"

namespace portguard {
namespace {

constexpr int socket_type_mask =
    0xf; // SOCK_TYPE_MASK, include/linux/net.h: the rest are SOCK_NONBLOCK, SOCK_CLOEXEC

/// The range clamp is ours to set: the program has not set its own, and it is not set yet.
bool is_unclamped(SocketFacts facts) {
    return !facts.chose_range() && !facts.clamped();
}

bool enforces(const Config& config) {
    return config.mode == Mode::enforce;
}

Verdict decide_port_zero(const Config& config, const OutgoingPlan& plan, SocketFacts facts) {
    if (!enforces(config) || !plan.clamp_port_zero) {
        return {.next = facts.with_port(PortChoice::kernel)};
    }
    if (facts.protocol() == Protocol::unknown) {
        return {.before = Before::ask_kernel};
    }
    if (!facts.is_tcp_like() || !is_unclamped(facts)) {
        return {.next = facts.with_port(PortChoice::kernel)};
    }
    return {.before = Before::set_port_range, .next = facts.with_port(PortChoice::kernel).with_clamp()};
}

Verdict decide_outside_plan(const Config& config, const OutgoingPlan& plan, SocketFacts facts,
                            Target target) {
    if (facts.protocol() == Protocol::unknown) {
        return {.before = Before::ask_kernel};
    }
    // Resolvers draw their source ports with bind, as a defence against forged answers (RFC 5452).
    if (facts.protocol() == Protocol::udp && plan.ephemeral.contains(target.port)) {
        return {.after = After::tell_ephemeral, .next = facts.with_port(PortChoice::program)};
    }
    if (enforces(config)) {
        return {.before = Before::refuse, .next = facts};
    }
    return {.tell_refused = true, .next = facts.with_port(PortChoice::program)};
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
        return decide_outside_plan(config, plan, facts, target);
    }
    const bool at_risk = !config.has_listen && plan.ephemeral.contains(target.port);
    if (facts.protocol() == Protocol::udp) {
        return {.after = at_risk ? After::tell_ephemeral : After::nothing,
                .next = facts.with_port(PortChoice::program)};
    }
    return {.next = facts.with_port(at_risk ? PortChoice::program_in_ephemeral : PortChoice::program)};
}

bool may_try_cure(const Config& config, SocketFacts facts, Target target) {
    return enforces(config) && config.reuseaddr != ReuseAddress::off && facts.is_tcp_like() &&
           target.port != 0 && !facts.chose_reuseaddr();
}

Verdict decide_listen(const Config& config, const OutgoingPlan& plan, SocketFacts facts) {
    const bool fixed =
        facts.port() == PortChoice::program || facts.port() == PortChoice::program_in_ephemeral;
    Verdict verdict{.next = facts};
    if (config.mode == Mode::off || facts.protocol() == Protocol::udp ||
        facts.protocol() == Protocol::other) {
        return verdict;
    }
    if (fixed) {
        if (facts.port() == PortChoice::program_in_ephemeral) {
            verdict.after = After::tell_ephemeral;
        }
        if (enforces(config) && config.reuseaddr != ReuseAddress::off && !facts.chose_reuseaddr()) {
            verdict.before = Before::set_reuseaddr;
        }
        return verdict;
    }
    // listen without bind lets the kernel choose a port, as bind to port 0 does.
    if (enforces(config) && facts.is_tcp_like() && plan.clamp_port_zero && is_unclamped(facts)) {
        verdict.before = Before::set_port_range;
        verdict.next = facts.with_clamp();
    }
    return verdict;
}

Verdict decide_connect(const Config& config, const OutgoingPlan& plan, SocketFacts facts, bool disconnect) {
    Verdict verdict{.next = facts};
    if (!enforces(config)) {
        return verdict;
    }
    if (disconnect) {
        if (facts.port() == PortChoice::courteous) {
            verdict.after = After::take_courtesy_back;
            verdict.next = facts.with_port(PortChoice::kernel);
        }
        return verdict;
    }
    if (facts.protocol() == Protocol::unknown && plan.connect == OutgoingMethod::socket_range) {
        verdict.before = Before::ask_kernel;
        return verdict;
    }
    if (!facts.is_tcp_like() || facts.port() != PortChoice::kernel) {
        return verdict;
    }
    if (plan.connect == OutgoingMethod::socket_range && is_unclamped(facts)) {
        verdict.before = Before::set_port_range;
        verdict.next = facts.with_clamp();
    }
    // MPTCP refuses the option once it is connected (K2).
    if (plan.connect == OutgoingMethod::courtesy && facts.protocol() == Protocol::tcp &&
        config.reuseaddr == ReuseAddress::automatic && !facts.chose_reuseaddr()) {
        verdict.after = After::give_courtesy;
        verdict.next = facts.with_port(PortChoice::courteous);
    }
    return verdict;
}

SocketFacts facts_after_setsockopt(SocketFacts facts, int level, int option) {
    if (level == SOL_SOCKET && option == SO_REUSEADDR) {
        return facts.with_chosen_reuseaddr();
    }
    return facts.with_chosen_range();
}

} // namespace portguard
