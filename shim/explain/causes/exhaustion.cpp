// No port for a socket that leaves the choice to the kernel, or to us.
#include "core/outgoing.h"
#include "explain/cause_rule.h"
#include "explain/holder_summary.h"
#include "explain/sentence.h"

namespace portguard::causes {
namespace {

std::string no_port_sentence(const Case& c) {
    if (!c.facts.ports.has_value()) {
        return "no local port is left in ip_local_port_range (" + range_text(c.facts.host.ports.range) + ")";
    }
    const PortUsage& usage = *c.facts.ports;
    const std::string counts = std::to_string(usage.in_use) + " of the " + std::to_string(usage.total) +
                               " ports of " + usage.ports + " are in use";
    if (usage.by_binds) {
        return counts + ", one connection each";
    }
    return c.facts.event.call == Call::bind && c.facts.event.protocol != Protocol::udp
               ? counts + "; bind to port 0 takes one of its own for each socket, while connect without it "
                          "shares them among destinations"
               : counts;
}

/// The widest range without a port that is listened on, and that holds all of the one of now.
PortRange wider_range(const Facts& facts) {
    constexpr std::uint16_t first_unprivileged = 1024;
    const PortRange now = facts.host.ports.range;
    PortRange wide = now;
    const auto is_free = [&](std::uint32_t port) {
        return !facts.ports_listened_on.contains(static_cast<std::uint16_t>(port)) &&
               !facts.config->listen.contains(static_cast<std::uint16_t>(port));
    };
    while (wide.low > first_unprivileged && is_free(wide.low - 1U)) {
        --wide.low;
    }
    while (wide.high < 65535 && is_free(wide.high + 1U)) {
        ++wide.high;
    }
    // Ends of different parity, as the kernel wants them.
    if (((wide.low ^ wide.high) & 1) == 0 && wide.high > now.high) {
        --wide.high;
    } else if (((wide.low ^ wide.high) & 1) == 0 && wide.low < now.low) {
        ++wide.low;
    }
    return wide == now ? PortRange{} : wide;
}

/// More ports without a wider range: connections share a port among destinations, and sockets that are bound
/// among source addresses.
void spread(const Case& c, CureList& list) {
    if (!c.facts.ports.has_value()) {
        return;
    }
    const PortUsage& usage = *c.facts.ports;
    const bool is_connection =
        c.facts.event.call == Call::connect && c.facts.event.protocol != Protocol::udp && !usage.by_binds;
    if (is_connection) {
        list.lasting("spread the connections over more destination or source addresses");
    } else if (usage.of_every_address < usage.total) {
        list.lasting("bind to more source addresses: each has ports of its own");
    }
}

void cure_no_port(const Case& c, CureList& list) {
    const PortUsage usage = c.facts.ports.value_or(PortUsage{});
    const bool binds = c.facts.event.call == Call::bind && c.facts.event.protocol != Protocol::udp;
    if (binds) {
        list.lasting("IP_BIND_ADDRESS_NO_PORT on the socket before bind: connect then chooses the port "
                     "(setsockopt(IPPROTO_IP, 24, 1))");
    }
    if (!binds && 2 * usage.count(SocketState::time_wait) > usage.in_use) {
        list.lasting_if(c.facts.reuses_time_wait ? "" : list.sysctl("net.ipv4.tcp_tw_reuse=1"));
        list.lasting("keep connections open and use them again, or let the server close them first");
    }
    if (usage.by_binds) {
        list.lasting("an ephemeral that meets ip_local_port_range (" + range_text(c.facts.host.ports.range) +
                     "), on Linux 6.3 or newer: then connections to different destinations share ports");
    }
    const PortRange wide = wider_range(c.facts);
    if (!c.facts.config->ephemeral.empty()) {
        list.lasting("a wider PORTGUARD_EPHEMERAL than " + range_text(c.facts.config->ephemeral));
    } else if (!wide.empty()) {
        list.now_if(list.sysctl("net.ipv4.ip_local_port_range=\"" + std::to_string(wide.low) + " " +
                                std::to_string(wide.high) + "\""));
    }
    spread(c, list);
}

bool is_four_tuple(const Case& c, EvidenceList& seen) {
    return c.is(EventKind::exhausted) && c.facts.event.call == Call::connect &&
           seen.that(c.facts.chose_port, "the program bound the socket to a port before connect",
                     seen_by::call) &&
           (!c.facts.same_tuple.has_value() ||
            seen.that(true,
                      describe_addresses(*c.facts.same_tuple) + " is in " +
                          std::string(state_name(c.facts.same_tuple->state)),
                      seen_by::socket_list));
}

std::string four_tuple_sentence(const Case& c) {
    const auto& other = c.facts.same_tuple;
    if (!other.has_value()) {
        return "the program bound this socket to a port itself, and the kernel has a connection from there "
               "to "
               "this destination already";
    }
    const bool is_time_wait = other->state == SocketState::time_wait;
    return "the program bound this socket to port " + std::to_string(other->local.port) +
           " itself, and the connection " + describe_addresses(*other) + " exists already (" +
           std::string(state_name(other->state)) +
           (is_time_wait ? ", " + seconds_left(*other) + " more)" : ")");
}

} // namespace

const CauseRule four_tuple_in_use{
    is_four_tuple,
    four_tuple_sentence,
    [](const Case&, CureList& list) {
        list.lasting("let the kernel choose the port: connect without bind, or bind to port 0");
    },
};

const CauseRule no_port_left{
    [](const Case& c, EvidenceList& seen) {
        if (!c.is(EventKind::exhausted)) {
            return false;
        }
        seen.that(true, "the kernel found no port", seen_by::call);
        seen.that(c.facts.ports.has_value(), no_port_sentence(c), seen_by::socket_list);
        return true;
    },
    no_port_sentence,
    cure_no_port,
};

} // namespace portguard::causes
