#include "explain/sentence.h"

#include <algorithm>

#include "core/text.h"
#include "explain/holder_summary.h"

namespace portguard {
namespace {

std::string local_address(const Endpoint& endpoint) {
    Text<64> out;
    print_endpoint(endpoint, out);
    return std::string(out.view());
}

std::string flag_words(const Facts& facts, const Holder& holder) {
    if (holder.reuseaddr == false) {
        return ", and its socket has no SO_REUSEADDR";
    }
    return facts.socket.reuseaddr == false ? ", and this socket has no SO_REUSEADDR" : "";
}

std::string listener_sentence(const Facts& facts, Cause cause, const Holder& holder) {
    const std::string who = describe_owner(facts.holders, holder);
    const std::string where = local_address(holder.socket.local);
    switch (cause) {
    case Cause::listener_same_program:
        return "the same program runs already: " + who + " listens on " + where;
    case Cause::inherited_listener:
        return who + " listens on " + where + " with a socket it inherited from a process that has ended";
    case Cause::wildcard_and_specific:
        return who + " listens on " + where +
               "; on Linux a wildcard and a single address exclude each other, whatever the flags";
    case Cause::ipv6_wildcard:
        return who + " listens on " + where + "; [::] without IPV6_V6ONLY takes the IPv4 port as well";
    case Cause::second_listen:
        return who + " listened on " + where +
               " first; SO_REUSEADDR lets two bind the port, but only one listen";
    case Cause::reuseport_other_user:
        return who + " has SO_REUSEPORT on " + where + " as uid " + std::to_string(holder.socket.uid) +
               "; the port is shared only by sockets of one user";
    default: return who + " listens on " + where;
    }
}

std::string connection_sentence(const Facts& facts, Cause cause, const Holder& holder) {
    const std::string who = describe_owner(facts.holders, holder);
    const std::string range = range_text(facts.host.ports.range);
    switch (cause) {
    case Cause::outgoing_connection:
        return "an outgoing connection of " + who +
               " was given this port, which lies inside ip_local_port_range (" + range + ")" +
               flag_words(facts, holder);
    case Cause::outgoing_time_wait:
        return "an outgoing connection was given this port, which lies inside ip_local_port_range (" + range +
               "), and closed it: TIME_WAIT for " + seconds_left(holder.socket) + " more";
    case Cause::own_time_wait:
        return "a connection accepted on this port is in TIME_WAIT for " + seconds_left(holder.socket) +
               " more; the listener that accepted it had no SO_REUSEADDR, or this socket has none";
    default:
        return "a connection that an earlier listener accepted is still in " +
               std::string(state_name(holder.socket.state)) + " (" + who + ")";
    }
}

std::string exhaustion_sentence(const Facts& facts) {
    if (facts.chose_port && facts.event.call == Call::connect) {
        return "the program bound this socket to a port itself, and another connection from there to this "
               "destination exists";
    }
    if (!facts.ports.has_value()) {
        return "no local port is left for a connection to this destination in ip_local_port_range (" +
               range_text(facts.host.ports.range) + ")";
    }
    const PortUsage& usage = *facts.ports;
    return std::to_string(usage.in_use) + " of the " + std::to_string(usage.total) + " ports of " +
           usage.ports + " are in use" + (usage.by_binds ? ", one connection each" : "");
}

std::string holderless_sentence(const Facts& facts, Cause cause) {
    const std::string address = local_address(facts.socket.address.endpoint);
    switch (cause) {
    case Cause::vanished: return "nobody holds the port any more: it was released meanwhile";
    case Cause::outside_plan: {
        Text<256> reason;
        print_known_reason(facts.event, *facts.config, reason);
        return "the port is " + std::string(reason.view());
    }
    case Cause::ephemeral_range:
        return "the port lies inside ip_local_port_range (" + range_text(facts.host.ports.range) +
               "): any outgoing connection may be given it before the next start";
    case Cause::no_port_left: return exhaustion_sentence(facts);
    case Cause::no_such_address:
        return "no interface of this network namespace has the address of " + address;
    case Cause::privileged_port:
        return "ports below " + std::to_string(facts.host.unprivileged_port_start.value_or(1024)) +
               " (ip_unprivileged_port_start) need CAP_NET_BIND_SERVICE";
    case Cause::injected: {
        Text<256> reason;
        print_known_reason(facts.event, *facts.config, reason);
        return "nothing is wrong: " + std::string(reason.view()) + " asked for this failure";
    }
    default: break;
    }
    return facts.holders_asked ? "who holds the port could not be seen"
                               : "who holds the port was not asked (diagnosis=stack)";
}

} // namespace

std::string seconds_left(const DiagSocket& socket) {
    return socket.timer_ms.has_value() ? std::to_string((*socket.timer_ms + 999) / 1000) + " s"
                                       : "an unknown time";
}

std::string range_text(PortRange range) {
    if (range.empty()) {
        return "unknown";
    }
    Text<16> out;
    print_port_range(range, out);
    return std::string(out.view());
}

std::string enforce_words(const Facts& facts) {
    if (facts.config->mode != Mode::observe || facts.event.kind != EventKind::in_use) {
        return {};
    }
    const auto& holders = facts.holders.holders;
    const auto listens = [](const Holder& holder) { return holder.socket.state == SocketState::listen; };
    if (!facts.would_try_cure || std::any_of(holders.begin(), holders.end(), listens)) {
        return "enforce would have failed as well";
    }
    const auto shares = [](const Holder& holder) {
        return holder.reuseaddr == true || holder.socket.is_hold();
    };
    const auto refuses = [](const Holder& holder) { return holder.reuseaddr == false; };
    if (std::any_of(holders.begin(), holders.end(), refuses)) {
        return "enforce would have set SO_REUSEADDR and failed as well, since the holder does not have it";
    }
    // The kernel does not tell the flag of a socket without a process.
    return std::all_of(holders.begin(), holders.end(), shares)
               ? "enforce would have set SO_REUSEADDR and bound"
               : "enforce would have set SO_REUSEADDR and, if the holder has it, too, bound";
}

std::string sentence_of(const Facts& facts, Cause cause, const Holder* holder) {
    if (holder == nullptr) {
        return holderless_sentence(facts, cause);
    }
    const std::string who = describe_owner(facts.holders, *holder);
    switch (cause) {
    case Cause::self:
        return "this very process holds it: fd " + std::to_string(holder->owners.front().fd) + " " +
               describe_addresses(holder->socket) + " " + std::string(state_name(holder->socket.state));
    case Cause::covered_by_own_listener:
        return "this process listens there already: fd " + std::to_string(holder->owners.front().fd) + ", " +
               local_address(holder->socket.local) + " without IPV6_V6ONLY, takes IPv4 as well";
    case Cause::port_of_own_client:
        return "the port is that of a client of this process, and is taken by " +
               describe_addresses(holder->socket) + " " + std::string(state_name(holder->socket.state));
    case Cause::bound_only:
        return who + " has bound the port and does not listen; flags do not help against that";
    case Cause::reserved_by_hold:
        return "portguard hold keeps the port for a listener that sets SO_REUSEADDR before bind";
    case Cause::udp_holder:
        return who + " has the UDP port; a second socket would take its datagrams, so nothing is shared";
    case Cause::outgoing_connection:
    case Cause::outgoing_time_wait:
    case Cause::own_time_wait:
    case Cause::dying_server: return connection_sentence(facts, cause, *holder);
    default: return listener_sentence(facts, cause, *holder);
    }
}

} // namespace portguard
