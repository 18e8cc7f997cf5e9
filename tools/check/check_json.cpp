#include <array>

#include "tools/check/check_report.h"
#include "tools/check/json_parts.h"
#include "tools/common/json_output.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

/// By protocol and state; states without a socket are left out.
Json counts_of(const HostFacts& facts) {
    Json counts{{"tcp", Json::object()}, {"udp", Json::object()}};
    for (const SocketFact& fact : facts.sockets) {
        const std::string state(state_name(fact.socket.state));
        Json& count = counts[std::string(protocol_name(fact.socket.protocol))][state];
        count = count.is_null() ? 1 : count.get<std::size_t>() + 1;
    }
    return counts;
}

Json host_of(const HostFacts& facts) {
    return {{"ip_local_port_range", json_of(facts.settings.ports.range)},
            {"ip_local_reserved_ports", text_of(facts.settings.ports.reserved)},
            {"ip_unprivileged_port_start", or_null(facts.settings.unprivileged_port_start)},
            {"tcp_tw_reuse", or_null(facts.tcp_tw_reuse)},
            {"tcp_tw_recycle", or_null(facts.tcp_tw_recycle)},
            {"tcp_max_tw_buckets", or_null(facts.tcp_max_tw_buckets)},
            {"has_ip_local_port_range_option", facts.has_socket_range}};
}

Json json_of(const std::vector<ClusterPort>& cluster) {
    constexpr std::array<std::string_view, 3> sources{"default", "argument", "file"};
    Json list = Json::array();
    for (const ClusterPort& port : cluster) {
        const bool is_told = port.source != ClusterPort::Source::standard;
        list.push_back({{"name", port.name},
                        {"ports", text_of(port.ports)},
                        {"program", port.program},
                        {"pid", port.pid == 0 ? Json(nullptr) : Json(port.pid)},
                        {"source", sources[static_cast<std::size_t>(port.source)]},
                        {"where", is_told ? Json(port.where) : Json(nullptr)}});
    }
    return list;
}

Json json_of(const HostFacts& facts, const Finding& finding) {
    return {{"id", finding.id},
            {"severity", severity_name(finding.severity)},
            {"what", finding.what},
            {"why", finding.why},
            {"fix", text_or_null(finding.fix)},
            {"ports", finding.ports},
            {"processes", json_of(facts, finding.pids)}};
}

Json json_of(const HostFacts& facts, const std::vector<Finding>& findings) {
    Json list = Json::array();
    for (const Finding& finding : findings) {
        list.push_back(json_of(facts, finding));
    }
    return list;
}

Json json_of(const Surveyed& other) {
    const NetworkNamespace& place = other.place;
    return {{"netns", place.inode},
            {"path", place.path()},
            {"name", text_or_null(place.name)},
            {"pid", place.pid == 0 ? Json(nullptr) : Json(place.pid)},
            {"described", place.in_words()},
            {"plan", json_of(other.plan)},
            {"host", host_of(other.facts)},
            {"cluster", json_of(other.facts.cluster)},
            {"sockets", counts_of(other.facts)},
            {"findings", json_of(other.facts, other.findings)},
            {"missing", other.facts.missing}};
}

Json others_of(const Survey& survey) {
    if (!survey.has_others) {
        return nullptr;
    }
    Json list = Json::array();
    for (const Surveyed& other : survey.others) {
        list.push_back(json_of(other));
    }
    return list;
}

} // namespace

std::string json_report(const Survey& survey) {
    const HostFacts& facts = survey.own.facts;
    return text_of(Json{{"schema", json_schema_version},
                        {"command", "check"},
                        {"netns", facts.netns},
                        {"plan", json_of(survey.own.plan)},
                        {"host", host_of(facts)},
                        {"cluster", json_of(facts.cluster)},
                        {"sockets", counts_of(facts)},
                        {"connects_per_second",
                         facts.connects.has_value() ? Json(facts.connects->per_second) : Json(nullptr)},
                        {"findings", json_of(facts, survey.own.findings)},
                        {"missing", facts.missing},
                        {"namespaces", others_of(survey)}});
}

} // namespace portguard::tools
