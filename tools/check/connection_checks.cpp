// Connections, and what is left of them, on ports that servers shall listen on.
#include <algorithm>
#include <array>

#include "explain/sentence.h"
#include "tools/check/collision.h"
#include "tools/check/groups.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

constexpr std::array protocols{Protocol::tcp, Protocol::udp};
constexpr std::array origins{PortOrigin::kernel, PortOrigin::program, PortOrigin::program_or_before_reserved,
                             PortOrigin::program_or_other_range};

std::vector<Group> groups_of(const HostFacts& facts, const PortPlan& plan, Collision collision,
                             const std::function<bool(const DiagSocket&)>& wanted) {
    return grouped(facts, [&](const SocketFact& fact) {
        return collision_of(fact, facts.settings.ports, plan) == collision && wanted(fact.socket);
    });
}

Finding found(Collision collision, Severity severity, const Group& group) {
    Finding finding;
    finding.id = finding_id(collision);
    finding.severity = severity;
    finding.ports = text_of(group.ports);
    finding.pids = group.pids;
    return finding;
}

/// What the kernel gives by itself it can be kept from giving; the rest its program took.
PortSet to_reserve(const HostPorts& host, const std::set<std::uint16_t>& ports) {
    PortSet reserve;
    for (const std::uint16_t port : ports) {
        reserve.insert(host.gives(port) ? PortRange{port, port} : PortRange{});
    }
    return reserve;
}

void outgoing_in_listen(const HostFacts& facts, const PortPlan& plan, std::vector<Finding>& findings) {
    const HostPorts& host = facts.settings.ports;
    for (const Protocol protocol : protocols) {
        const bool is_udp = protocol == Protocol::udp;
        for (const PortOrigin origin : origins) {
            const auto is_such = [&](const DiagSocket& socket) {
                return (socket.protocol == Protocol::udp) == is_udp &&
                       origin_of(host, socket.local.port) == origin;
            };
            for (const Group& group : groups_of(facts, plan, Collision::outgoing_in_listen, is_such)) {
                Finding finding = found(Collision::outgoing_in_listen, Severity::error, group);
                finding.what =
                    group.who + " has " +
                    counted(group.sockets, is_udp ? "connected UDP socket" : "outgoing connection") +
                    " on listen " + ports_in_words(group.ports) +
                    origin_words(host, *group.ports.begin(), group.ports.size() > 1) + ".";
                finding.why = is_udp ? "A server that shall bind the port fails with EADDRINUSE for as long "
                                       "as that socket is open."
                                     : "A server that shall listen there fails with EADDRINUSE for as long "
                                       "as the connection lives, and 60 s of TIME_WAIT longer.";
                finding.reserve = to_reserve(host, group.ports);
                finding.cured_as = {protocol, *group.ports.begin()};
                findings.push_back(std::move(finding));
            }
        }
    }
}

std::string left_over_words(const Group& group, bool is_orphan) {
    const std::string where = " on listen " + ports_in_words(group.ports);
    if (!is_orphan) {
        return group.who + " has " + counted(group.sockets, "connection") + where +
               " of a listener that is gone.";
    }
    return counted(group.sockets, "closed connection") + where + (group.sockets == 1 ? " waits" : " wait") +
           " for the other end to close.";
}

void left_over_in_listen(const HostFacts& facts, const PortPlan& plan, std::vector<Finding>& findings) {
    for (const bool is_orphan : {false, true}) {
        const auto is_such = [is_orphan](const DiagSocket& socket) {
            return socket.is_orphan() == is_orphan;
        };
        for (const Group& group : groups_of(facts, plan, Collision::left_over_in_listen, is_such)) {
            Finding finding = found(Collision::left_over_in_listen, Severity::warning, group);
            finding.what = left_over_words(group, is_orphan);
            finding.why =
                "A server that shall listen there fails with EADDRINUSE, unless its socket and that "
                "of the connection both have SO_REUSEADDR. 60 s of TIME_WAIT may follow.";
            finding.cured_as = {Protocol::tcp, *group.ports.begin()};
            findings.push_back(std::move(finding));
        }
    }
}

void time_wait_in_listen(const HostFacts& facts, const PortPlan& plan, std::vector<Finding>& findings) {
    std::uint32_t longest_ms = 0;
    const auto note_longest = [&](const DiagSocket& socket) {
        longest_ms = std::max(longest_ms, socket.timer_ms.value_or(0));
        return true;
    };
    for (const Group& group : groups_of(facts, plan, Collision::time_wait_in_listen, note_longest)) {
        Finding finding = found(Collision::time_wait_in_listen, Severity::warning, group);
        finding.what = counted(group.sockets, "connection") + " in TIME_WAIT on listen " +
                       ports_in_words(group.ports) + ", the last one for " +
                       std::to_string((longest_ms + 999) / 1000) + " s, and no listener there.";
        finding.why = "A server that shall listen there without SO_REUSEADDR has to wait. 60 s are fixed in "
                      "the kernel (TCP_TIMEWAIT_LEN).";
        finding.cured_as = {Protocol::tcp, *group.ports.begin()};
        findings.push_back(std::move(finding));
    }
}

constexpr std::array<Check, 3> checks{outgoing_in_listen, left_over_in_listen, time_wait_in_listen};

} // namespace

std::span<const Check> checks_of_connections() {
    return checks;
}

} // namespace portguard::tools
