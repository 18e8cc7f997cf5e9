#include "explain/render_json.h"

#include <algorithm>
#include <ctime>

#include <nlohmann/json.hpp>

#include "core/event_json.h"
#include "core/text.h"
#include "explain/holder_json.h"

namespace portguard {
namespace {

// A server that is restarted may leave thousands in TIME_WAIT; a line stays fit for one write(2).
constexpr std::size_t most_holders = 64;

std::string now_text() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    Text<32> text;
    print_time(now, text);
    return std::string(text.view());
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
                          {"line", frame.file.empty() ? Json(nullptr) : Json(frame.line)},
                          {"interpreter", frame.is_interpreters}});
    }
    return frames;
}

Json script_json(const Stack& stack) {
    Json frames = Json::array();
    for (const ScriptFrame& frame : stack.script) {
        frames.push_back({{"language", stack.language},
                          {"function", text_or_null(frame.function)},
                          {"file", text_or_null(frame.file)},
                          {"line", frame.line == 0 ? Json(nullptr) : Json(frame.line)}});
    }
    return frames;
}

/// Null: not remembered.
Json remembered_json(const std::optional<RememberedCall>& call) {
    if (!call.has_value()) {
        return nullptr;
    }
    constexpr double ns_per_s = 1e9;
    return {{"call", call_name(call->call)},
            {"kernel_chose", call->kernel_chose},
            {"of_listener", !call->is_of_socket},
            {"pid", call->pid},
            {"tid", call->tid},
            {"program", call->program},
            {"argv", call->argv},
            {"age_s", static_cast<double>(call->age_ns) / ns_per_s},
            {"ended", or_null(call->has_ended)},
            {"stack", stack_json(call->stack)}};
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

Json holders_json(const Facts& facts) {
    const auto& all = facts.holders.holders;
    Json holders = Json::array();
    for (std::size_t index = 0; index < std::min(all.size(), most_holders); ++index) {
        Json holder = holder_json(facts.holders, all[index], facts.self.netns);
        holder["taken"] = remembered_json(facts.about[index].taken);
        holders.push_back(std::move(holder));
    }
    return holders;
}

Json missing_json(const Report& report) {
    std::vector<std::string> missing = report.missing();
    const std::size_t count = report.facts.holders.holders.size();
    if (count > most_holders) {
        missing.push_back(std::to_string(count - most_holders) + " more holders");
    }
    return missing;
}

Json value_of(EventField field, const Report& report) {
    const Facts& facts = report.facts;
    const Event& event = facts.event;
    switch (field) {
    case EventField::schema: return event_schema_version;
    case EventField::time: return now_text();
    case EventField::event: return event_name(event.kind);
    case EventField::call: return call_name(event.call);
    case EventField::error: return errno_json(event.error);
    case EventField::family:
        return text_or_null(event.unix_name.empty() ? family_name(event.asked.family) : "unix");
    case EventField::protocol: return protocol_name(event.protocol);
    case EventField::address:
        return event.unix_name.empty() ? address_json(event.asked) : unix_name_json(event.unix_name);
    case EventField::port: return event.asked.port;
    case EventField::socket: return socket_json(facts);
    case EventField::process: return process_json(facts);
    case EventField::stack: return stack_json(facts.stack);
    case EventField::script: return script_json(facts.stack);
    case EventField::holders: return holders_json(facts);
    case EventField::picked: return remembered_json(facts.picked);
    case EventField::ports: return ports_json(facts.ports);
    case EventField::cause: return cause_name(report.explanation.cause);
    case EventField::sentence: return sentence_json(report.explanation);
    case EventField::evidence: return evidence_json(report.explanation.evidence);
    case EventField::cures: return cures_json(report.cures);
    case EventField::count: return report.count;
    case EventField::missing: return missing_json(report);
    }
    return nullptr;
}

} // namespace

std::string render_json(const Report& report) {
    Json event;
    for (const NamedEventField& entry : event_fields) {
        event[entry.name] = value_of(entry.field, report);
    }
    return line_of(event);
}

} // namespace portguard
