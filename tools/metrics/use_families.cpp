#include <algorithm>

#include "tools/metrics/families.h"

namespace portguard::tools {
namespace {

Labels labels_of(const DestinationUse& use) {
    return {{"protocol", std::string(protocol_name(use.protocol))},
            {"address", use.address},
            {"port", std::to_string(use.port)}};
}

} // namespace

void add_use_families(const HostFacts& facts, const EphemeralUse& use, const std::optional<UseSample>& before,
                      Instant now, std::vector<MetricFamily>& families) {
    families.push_back({"portguard_ephemeral_ports",
                        MetricType::gauge,
                        "",
                        "Ports that the kernel may give to outgoing connections, less the reserved ones",
                        {{{}, static_cast<double>(use.size)}}});
    MetricFamily used{"portguard_ephemeral_ports_used", MetricType::gauge, "",
                      "Ephemeral ports that a socket has, each once per state"};
    for (const auto& [key, count] : use.by_state) {
        used.samples.push_back({{{"protocol", std::string(protocol_name(key.first))},
                                 {"state", std::string(state_name(key.second))}},
                                static_cast<double>(count)});
    }
    families.push_back(std::move(used));
    MetricFamily busiest{"portguard_ephemeral_destination_ports", MetricType::gauge, "",
                         "Ephemeral ports in use to one destination, of the ten busiest; a port serves one "
                         "connection to it at a time"};
    MetricFamily left{"portguard_ephemeral_exhaustion_seconds", MetricType::gauge, "seconds",
                      "Time until no port is left to a destination at the present rate, where its use grows"};
    for (std::size_t index = 0; index < std::min(most_destinations, use.destinations.size()); ++index) {
        const DestinationUse& one = use.destinations[index];
        busiest.samples.push_back({labels_of(one), static_cast<double>(one.ports)});
        if (const auto seconds = seconds_until_full(one, use.size, before, now)) {
            left.samples.push_back({labels_of(one), *seconds});
        }
    }
    families.push_back(std::move(busiest));
    families.push_back(std::move(left));
    const auto waiting =
        std::count_if(facts.sockets.begin(), facts.sockets.end(),
                      [](const SocketFact& fact) { return fact.socket.state == SocketState::time_wait; });
    families.push_back({"portguard_time_wait_sockets",
                        MetricType::gauge,
                        "",
                        "Connections in TIME_WAIT",
                        {{{}, static_cast<double>(waiting)}}});
    MetricFamily limit{"portguard_time_wait_sockets_limit", MetricType::gauge, "",
                       "net.ipv4.tcp_max_tw_buckets, beyond which the kernel forgets connections at once"};
    if (facts.tcp_max_tw_buckets.has_value()) {
        limit.samples.push_back({{}, static_cast<double>(*facts.tcp_max_tw_buckets)});
    }
    families.push_back(std::move(limit));
}

void add_event_families(const EventCounts& counts, const std::vector<RecordStatus>& records,
                        std::vector<MetricFamily>& families) {
    const auto add = [&](std::string_view name, std::string_view help, std::string_view label,
                         const std::map<std::string, std::uint64_t>& values) {
        MetricFamily family{name, MetricType::counter, "", help};
        for (const auto& [word, count] : values) {
            family.samples.push_back({{{label, word}}, static_cast<double>(count)});
        }
        families.push_back(std::move(family));
    };
    if (records.empty()) {
        return;
    }
    add("portguard_events", "Failed, refused and cured calls that the guard has reported, by cause", "cause",
        counts.by_cause);
    add("portguard_failed_calls", "Calls among them that failed, by their error", "errno", counts.by_errno);
    families.push_back({"portguard_lost_events",
                        MetricType::counter,
                        "",
                        "Events that could not be written when they happened",
                        {{{}, static_cast<double>(counts.lost)}}});
    families.push_back({"portguard_unreadable_lines",
                        MetricType::counter,
                        "",
                        "Lines of the records that are not events",
                        {{{}, static_cast<double>(counts.unreadable_lines)}}});
    MetricFamily unread{"portguard_unread_records", MetricType::gauge, "",
                        "Whether a record could not be read, or not all of it, the last time"};
    for (const RecordStatus& status : records) {
        unread.samples.push_back({{{"record", status.record}}, status.is_read ? 0.0 : 1.0});
    }
    families.push_back(std::move(unread));
}

} // namespace portguard::tools
