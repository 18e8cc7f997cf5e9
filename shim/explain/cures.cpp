#include "explain/cures.h"

#include <algorithm>

#include "core/outgoing.h"
#include "core/text.h"
#include "explain/sentence.h"

namespace portguard {
namespace {

/// Collects the cures of one event.
class CureList {
public:
    CureList(const Facts& facts, const Explanation& explanation)
        : facts_(facts), holder_(explanation.holder), port_(std::to_string(facts.event.asked.port)) {}

    void now(std::string command) { cures_.push_back({false, std::move(command)}); }
    void lasting(std::string command) { cures_.push_back({true, std::move(command)}); }

    [[nodiscard]] const std::string& port() const { return port_; }
    [[nodiscard]] std::string as_root(const std::string& command) const {
        return facts_.euid == 0 ? command : "sudo " + command;
    }

    /// Stopping the process that has it; never this one.
    void stop_owner() {
        if (holder_ == nullptr || holder_->owners.empty()) {
            return;
        }
        const std::string kill =
            "kill " + std::to_string(facts_.holders.process_of(holder_->owners.front()).pid);
        now(facts_.may_stop_owner ? kill : "sudo " + kill);
    }

    /// SO_REUSEADDR on the live socket that is in the way (K4).
    void rescue() {
        const bool reachable = holder_ != nullptr && holder_->reuseaddr.has_value();
        now(reachable ? "portguard rescue " + port_ : as_root("portguard rescue " + port_));
    }

    void wait() { now("portguard who --wait=60s " + port_); }

    /// The settings that would have kept outgoing connections off the port.
    void keep_outgoing_off() {
        PortSet reserved = facts_.host.ports.reserved;
        reserved.insert({facts_.event.asked.port, facts_.event.asked.port});
        Text<256> list;
        print_port_set(reserved, list);
        // A list that was cut must not be pasted over the whole one.
        if (!list.truncated()) {
            lasting(as_root("sysctl -w net.ipv4.ip_local_reserved_ports=" + std::string(list.view())));
        }
        const PortRange range = range_beside();
        if (!range.empty()) {
            lasting(as_root("sysctl -w net.ipv4.ip_local_port_range=\"" + std::to_string(range.low) + " " +
                            std::to_string(range.high) + "\""));
        }
    }

    std::vector<Cure> take() { return std::move(cures_); }

private:
    /// The range that leaves the port out; the plan's own where there is one.
    [[nodiscard]] PortRange range_beside() const {
        const PortRange range = facts_.host.ports.range;
        if (facts_.config->ephemeral.empty() && !range.contains(facts_.event.asked.port)) {
            return {};
        }
        const std::uint16_t port = facts_.event.asked.port;
        const PortRange rest =
            without_port(facts_.config->ephemeral.empty() ? range : facts_.config->ephemeral, port);
        return rest.contains(port) ? PortRange{} : rest;
    }

    const Facts& facts_;
    const Holder* holder_;
    std::string port_;
    std::vector<Cure> cures_;
};

void cure_listener(Cause cause, CureList& list) {
    list.stop_owner();
    switch (cause) {
    case Cause::ipv6_wildcard:
        list.lasting("set IPV6_V6ONLY on the IPv6 socket (nginx: ipv6only=on; Python: "
                     "create_server(dualstack_ipv6=False))");
        break;
    case Cause::wildcard_and_specific:
        list.lasting("bind both to single addresses, or give one of them another port");
        break;
    case Cause::reuseport_other_user: list.lasting("run both as the same user"); break;
    case Cause::inherited_listener:
        list.lasting("open the listening socket with SOCK_CLOEXEC, so that children do not keep it");
        break;
    default: list.lasting("give one of the two another port or address"); break;
    }
}

void cure_connection(Cause cause, CureList& list) {
    const bool gone = cause == Cause::outgoing_time_wait || cause == Cause::own_time_wait;
    if (gone) {
        list.wait();
        list.now(list.as_root("portguard rescue --time-wait " + list.port()));
    } else {
        list.rescue();
        list.stop_owner();
    }
    if (cause == Cause::outgoing_connection || cause == Cause::outgoing_time_wait) {
        list.keep_outgoing_off();
        list.lasting("portguard run --listen=" + list.port() + " -- the program that connects");
    } else {
        list.lasting("SO_REUSEADDR before listen in the server, or portguard run from its next start on");
    }
}

void cure_exhaustion(const Facts& facts, CureList& list) {
    if (facts.chose_port && facts.event.call == Call::connect) {
        list.lasting("let the kernel choose the port: connect without bind, or bind to port 0");
        return;
    }
    const PortUsage usage = facts.ports.value_or(PortUsage{});
    if (2 * usage.count(SocketState::time_wait) > usage.in_use) {
        list.lasting(list.as_root("sysctl -w net.ipv4.tcp_tw_reuse=1"));
        list.lasting("keep connections open and use them again, or let the server close them first");
    }
    if (usage.by_binds) {
        list.lasting("an ephemeral that meets ip_local_port_range (" + range_text(facts.host.ports.range) +
                     "), on Linux 6.3 or newer: then connections to different destinations share ports");
    }
    if (!facts.config->ephemeral.empty()) {
        list.lasting("a wider PORTGUARD_EPHEMERAL than " + range_text(facts.config->ephemeral));
    } else {
        list.lasting(list.as_root("sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\""));
    }
    list.lasting("spread the connections over more destination or source addresses");
}

/// The plan with the port in it: as a pair, since one that meets its ephemeral range would be refused.
void widen_plan(const Facts& facts, CureList& list) {
    const std::uint16_t port = facts.event.asked.port;
    const PortRange ephemeral = facts.config->ephemeral;
    const PortRange rest = without_port(ephemeral, port);
    PortSet listen = facts.config->listen;
    listen.insert({port, port});
    Text<256> plan;
    print_port_set(listen, plan);
    std::string command = "PORTGUARD_LISTEN=" + std::string(plan.view());
    if (rest != ephemeral) {
        command += " PORTGUARD_EPHEMERAL=" + range_text(rest);
    }
    if (!plan.truncated() && !rest.contains(port)) {
        list.lasting(std::move(command));
    }
    Text<excerpt_length + 1> now;
    print_port_set(facts.config->listen, now);
    Text<excerpt_length + 1> excerpt;
    excerpt.add_excerpt(now.view());
    list.lasting("move the server to a port of " + std::string(excerpt.view()));
    // Open MPI and RabbitMQ try one port after another, and give up on any other errno.
    if (facts.event.error != EADDRINUSE) {
        list.lasting("PORTGUARD_DENY_ERRNO=EADDRINUSE for a program that tries one port after another");
    }
}

void cure_without_holder(const Facts& facts, Cause cause, CureList& list) {
    switch (cause) {
    case Cause::vanished: list.now("start it again"); break;
    case Cause::outside_plan: widen_plan(facts, list); break;
    case Cause::ephemeral_range: list.keep_outgoing_off(); break;
    case Cause::no_port_left: cure_exhaustion(facts, list); break;
    case Cause::no_such_address:
        list.now("ip address show");
        list.lasting(list.as_root("sysctl -w net.ipv4.ip_nonlocal_bind=1"));
        break;
    case Cause::privileged_port:
        list.lasting("sudo sysctl -w net.ipv4.ip_unprivileged_port_start=" + list.port());
        break;
    case Cause::injected: list.lasting("take inject out of the options"); break;
    default: list.now(list.as_root("portguard who " + list.port())); break;
    }
}

} // namespace

std::vector<Cure> cures_for(const Facts& facts, const Explanation& explanation) {
    CureList list(facts, explanation);
    if (facts.event.kind == EventKind::cured) {
        return {};
    }
    switch (explanation.cause) {
    case Cause::covered_by_own_listener:
        list.lasting("IPV6_V6ONLY on the IPv6 socket, or no IPv4 socket beside it");
        break;
    case Cause::port_of_own_client: list.lasting("a port of its own for each outgoing connection"); break;
    case Cause::self: list.lasting("close the other socket first, or bind once"); break;
    case Cause::reserved_by_hold: list.lasting("SO_REUSEADDR before bind in the program"); break;
    case Cause::outgoing_connection:
    case Cause::outgoing_time_wait:
    case Cause::own_time_wait:
    case Cause::dying_server: cure_connection(explanation.cause, list); break;
    default:
        if (explanation.holder == nullptr) {
            cure_without_holder(facts, explanation.cause, list);
        } else {
            cure_listener(explanation.cause, list);
        }
    }
    return list.take();
}

} // namespace portguard
