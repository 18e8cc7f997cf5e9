// How many ports TIME_WAIT keeps, and what may be done about it.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "tools/check/collision.h"
#include "tools/check/finding.h"
#include "tools/check/groups.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

/// TCP_TIMEWAIT_LEN, include/net/tcp.h.
constexpr double time_wait_seconds = 60;

struct TimeWaits {
    std::size_t count = 0;
    std::size_t outgoing = 0;
    std::map<std::uint16_t, std::size_t> by_listener;
};

TimeWaits count_time_wait(const HostFacts& facts) {
    TimeWaits result;
    for (const SocketFact& fact : facts.sockets) {
        if (fact.socket.state != SocketState::time_wait) {
            continue;
        }
        ++result.count;
        if (fact.role == Role::accepted) {
            ++result.by_listener[fact.socket.local.port];
        } else {
            ++result.outgoing;
        }
    }
    return result;
}

/// "443: 120, 80: 4, outgoing: 12", the busiest first.
std::string by_port(const TimeWaits& waits) {
    constexpr std::size_t most_ports = 5;
    std::vector<std::pair<std::size_t, std::uint16_t>> ports;
    for (const auto& [port, count] : waits.by_listener) {
        ports.emplace_back(count, port);
    }
    std::sort(ports.begin(), ports.end(), std::greater<>());
    std::string text;
    std::size_t rest = 0;
    for (std::size_t index = 0; index < ports.size(); ++index) {
        if (index < most_ports) {
            text.append(text.empty() ? "" : ", ").append("port " + std::to_string(ports[index].second));
            text.append(": " + std::to_string(ports[index].first));
        } else {
            rest += ports[index].first;
        }
    }
    text.append(rest == 0 ? "" : ", other listeners: " + std::to_string(rest));
    if (waits.outgoing != 0) {
        text.append(text.empty() ? "" : ", ").append("outgoing: " + std::to_string(waits.outgoing));
    }
    return text;
}

void time_wait_count(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    const TimeWaits waits = count_time_wait(facts);
    if (waits.count == 0) {
        return;
    }
    const std::uint32_t limit = facts.tcp_max_tw_buckets.value_or(0);
    const bool is_near = limit != 0 && waits.count * 10 >= std::size_t{limit} * 8;
    const std::string of_limit =
        limit == 0 ? "" : "; net.ipv4.tcp_max_tw_buckets allows " + std::to_string(limit);
    findings.push_back(
        {"time-wait-count", is_near ? Severity::warning : Severity::note,
         counted(waits.count, "connection") + " in TIME_WAIT (" + by_port(waits) + ")" + of_limit + ".",
         "Above the limit the kernel forgets connections at once, and late segments of an "
         "old connection may reach a new one.",
         is_near ? sysctl_command(facts,
                                  "net.ipv4.tcp_max_tw_buckets=" + std::to_string(std::uint64_t{limit} * 2))
                 : ""});
}

void tw_reuse(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    constexpr std::uint32_t kernel_default = 2;
    const std::uint32_t value = facts.tcp_tw_reuse.value_or(kernel_default);
    if (value == kernel_default && count_time_wait(facts).count == 0) {
        return;
    }
    constexpr std::array<const char*, 3> meanings{"off", "on", "on for loopback only, the default"};
    findings.push_back({"tcp-tw-reuse",
                        Severity::note,
                        "net.ipv4.tcp_tw_reuse is " + std::to_string(value) + " (" +
                            (value < meanings.size() ? meanings[value] : "unknown") + ").",
                        "It lets a new outgoing connection take over a port in TIME_WAIT. It never helps a "
                        "listener, whatever its value.",
                        {}});
}

void tw_recycle(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    if (!facts.tcp_tw_recycle.has_value()) {
        return;
    }
    const bool is_on = *facts.tcp_tw_recycle != 0;
    findings.push_back({"tcp-tw-recycle", is_on ? Severity::error : Severity::note,
                        std::string("This kernel still has net.ipv4.tcp_tw_recycle, and it is ") +
                            (is_on ? "on." : "off; leave it so."),
                        "It drops connections of clients behind the same NAT. Linux 4.12 has removed it.",
                        is_on ? sysctl_command(facts, "net.ipv4.tcp_tw_recycle=0") : ""});
}

std::uint32_t automatic_ports(const HostPorts& host) {
    return host.range.size() - host.reserved.count(host.range);
}

void rate_too_high(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    if (!facts.connects.has_value()) {
        return;
    }
    const std::uint32_t ports = automatic_ports(facts.settings.ports);
    const double needed = facts.connects->per_second * time_wait_seconds;
    if (needed < 0.5 * ports) {
        return;
    }
    findings.push_back({"ephemeral-range-too-small",
                        needed < ports ? Severity::note : Severity::warning,
                        std::to_string(std::lround(facts.connects->per_second)) +
                            " outgoing connections a second, each with up to 60 s of TIME_WAIT, need up to " +
                            std::to_string(std::lround(needed)) + " ports; " +
                            text_of(facts.settings.ports.range) + " has " + std::to_string(ports) + ".",
                        "To one destination a port serves one connection at a time. Once they are used up, "
                        "connect fails with EADDRNOTAVAIL. Connections that are kept open cost none.",
                        facts.as_root + "portguard plan --to=sysctl\n",
                        text_of(facts.settings.ports.range),
                        {}});
}

void leases(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    PortSet leased;
    for (const SocketFact& fact : facts.sockets) {
        if (is_lease(fact.socket)) {
            leased.insert({fact.socket.local.port, fact.socket.local.port});
        }
    }
    const std::uint32_t count = leased.count({1, 65535});
    const PortRange range = facts.settings.ports.range;
    const std::uint32_t half = range.size() / 2;
    if (count == 0) {
        return;
    }
    const bool is_near = leased.count(range) * 10 >= half * 9;
    findings.push_back(
        {"leases", is_near ? Severity::warning : Severity::note,
         counted(count, "port") + (count == 1 ? " is" : " are") + " leased for up to 60 s (lease=on); of " +
             text_of(range) + " " + std::to_string(half) + " may be.",
         "bind to port 0 is given the other half once those are used up, and what it gives from there is not "
         "leased.",
         is_near ? "# a wider net.ipv4.ip_local_port_range, or --lease=all for the other half too\n" : ""});
}

/// The remote address that most ports of the range are connected to, dead ones included.
void destination_full(const HostFacts& facts, const PortPlan&, std::vector<Finding>& findings) {
    const std::uint32_t ports = automatic_ports(facts.settings.ports);
    std::map<std::pair<std::array<std::uint8_t, 16>, std::uint16_t>, std::uint32_t> uses;
    const SocketFact* busiest = nullptr;
    std::uint32_t most = 0;
    for (const SocketFact& fact : facts.sockets) {
        if (fact.role != Role::outgoing || !facts.settings.ports.gives(fact.socket.local.port)) {
            continue;
        }
        const std::uint32_t count = ++uses[{fact.socket.remote.address, fact.socket.remote.port}];
        if (count > most) {
            most = count;
            busiest = &fact;
        }
    }
    if (busiest == nullptr || most < 0.8 * ports) {
        return;
    }
    findings.push_back({"destination-near-limit",
                        Severity::warning,
                        std::to_string(most) + " of " + std::to_string(ports) + " ports are connected to " +
                            text_of(busiest->socket.remote) + ".",
                        "To one destination a port serves one connection at a time. Once they are used up, "
                        "connect fails with EADDRNOTAVAIL.",
                        facts.as_root + "portguard plan --to=sysctl\n",
                        "",
                        {}});
}

constexpr std::array<Check, 6> checks{rate_too_high, destination_full, time_wait_count,
                                      leases,        tw_reuse,         tw_recycle};

} // namespace

std::span<const Check> checks_of_time_wait() {
    return checks;
}

} // namespace portguard::tools
