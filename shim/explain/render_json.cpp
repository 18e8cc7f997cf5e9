#include "explain/render_json.h"

#include <algorithm>
#include <ctime>

#include <nlohmann/json.hpp>

#include "core/event_json.h"
#include "core/options.h"
#include "core/text.h"
#include "explain/holder_json.h"

namespace portguard {
namespace {

// A server that is restarted may leave thousands in TIME_WAIT; a line stays fit for one write(2).
constexpr std::size_t most_holders = 64;

Json text_or_null(std::string_view text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

/// RFC 3339, UTC, milliseconds.
std::string now_text() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    tm parts{};
    gmtime_r(&now.tv_sec, &parts);
    char date[32];
    const std::size_t length = strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S.", &parts);
    std::string text(date, length);
    const std::string milliseconds = std::to_string(1000 + now.tv_nsec / 1'000'000);
    return text + milliseconds.substr(1) + "Z";
}

Json family_json(Family family) {
    switch (family) {
    case Family::ipv4: return "ipv4";
    case Family::ipv6: return "ipv6";
    case Family::other: break;
    }
    return nullptr;
}

Json socket_json(const Facts& facts) {
    const AskedSocket& socket = facts.socket;
    return {{"fd", facts.fd},
            {"reuseaddr", or_null(socket.reuseaddr)},
            {"reuseport", or_null(socket.reuseport)},
            {"v6only", or_null(socket.v6only)},
            {"device", socket.address.device == 0 ? Json(nullptr) : Json(socket.address.device)}};
}

Json process_json(const Facts& facts) {
    return {{"pid", facts.event.pid},
            {"tid", facts.tid == 0 ? Json(nullptr) : Json(facts.tid)},
            {"uid", or_null(facts.self.uid)},
            {"exe", text_or_null(facts.exe)},
            {"argv", argv_json(facts.self)},
            {"cwd", text_or_null(facts.cwd)},
            {"netns", or_null(facts.self.netns)},
            {"ancestors", ancestors_json(facts.self)}};
}

Json stack_json(const Stack& stack) {
    Json frames = Json::array();
    for (const Frame& frame : stack.frames) {
        frames.push_back({{"module", text_or_null(frame.module)},
                          {"offset", frame.offset},
                          {"build_id", text_or_null(frame.build_id)},
                          {"symbol", text_or_null(frame.symbol)},
                          {"file", text_or_null(frame.file)},
                          {"line", frame.file.empty() ? Json(nullptr) : Json(frame.line)}});
    }
    return frames;
}

/// Null for events that do not ask for it.
Json ports_json(const std::optional<PortUsage>& usage) {
    if (!usage.has_value()) {
        return nullptr;
    }
    Json states = Json::array();
    for (const PortUsage::StateCount& entry : usage->states) {
        states.push_back({{"state", state_name(entry.state)}, {"sockets", entry.sockets}});
    }
    Json destinations = Json::array();
    for (const PortUsage::DestinationCount& entry : usage->destinations) {
        destinations.push_back({{"address", address_json(entry.endpoint)},
                                {"port", entry.endpoint.port},
                                {"sockets", entry.sockets}});
    }
    return {{"ports", usage->ports},
            {"total", usage->total},
            {"in_use", usage->in_use},
            {"states", std::move(states)},
            {"destinations", std::move(destinations)}};
}

std::string sentence_json(const Explanation& explanation) {
    return explanation.in_enforce.empty() ? explanation.sentence
                                          : explanation.sentence + "; " + explanation.in_enforce;
}

Json cures_json(const std::vector<Cure>& cures) {
    Json list = Json::array();
    for (const Cure& cure : cures) {
        list.push_back({{"when", cure.lasting ? "lasting" : "now"}, {"command", cure.command}});
    }
    return list;
}

} // namespace

std::string render_json(const Report& report) {
    const Facts& facts = report.facts;
    const Endpoint& asked = facts.event.asked;
    std::vector<std::string> missing = report.missing();
    const auto& all = facts.holders.holders;
    const std::size_t shown = std::min(all.size(), most_holders);
    Json holders = Json::array();
    for (std::size_t index = 0; index < shown; ++index) {
        holders.push_back(holder_json(facts.holders, all[index], facts.self.netns));
    }
    if (all.size() > shown) {
        missing.push_back(std::to_string(all.size() - shown) + " more holders");
    }
    const Json event{
        {"schema", event_schema_version},
        {"time", now_text()},
        {"event", event_name(facts.event.kind)},
        {"call", call_name(facts.event.call)},
        {"errno", facts.event.error == 0 ? Json(nullptr) : Json(describe_errno(facts.event.error))},
        {"family", family_json(asked.family)},
        {"protocol", protocol_name(facts.event.protocol)},
        {"address", address_json(asked)},
        {"port", asked.port},
        {"socket", socket_json(facts)},
        {"process", process_json(facts)},
        {"stack", stack_json(facts.stack)},
        {"holders", std::move(holders)},
        {"ports", ports_json(facts.ports)},
        {"cause", cause_name(report.explanation.cause)},
        {"sentence", sentence_json(report.explanation)},
        {"cures", cures_json(report.cures)},
        {"count", report.count},
        {"missing", missing}};
    return line_of(event);
}

} // namespace portguard
