#include "tools/common/json_output.h"
#include "tools/common/json_text.h"
#include "tools/events/event_words.h"
#include "tools/events/events_report.h"

namespace portguard::tools {
namespace {

Json fights_json(const Failure& failure) {
    Json fights = Json::array();
    for (const Fight& fight : failure.fights) {
        const ProcessChains chains = chains_of(fight);
        const bool is_held = fight.holder.has_value();
        const bool has_owner = is_held && !fight.holder->owners.empty();
        fights.push_back(
            {{"times", fight.times},
             {"asked", {{"processes", chains.asked}, {"command", command_of(fight.asked.argv)}}},
             {"held", is_held
                          ? Json{{"socket", describe(*fight.holder)},
                                 {"processes", chains.held},
                                 {"command", has_owner ? command_of(fight.holder->owners.front().argv) : ""}}
                          : Json(nullptr)},
             {"log", fight.file},
             {"number_in_log", fight.number_in_file}});
    }
    return fights;
}

Json failure_json(const Failure& failure) {
    Json numbers = Json::array();
    for (const FoldedEvent& occurrence : failure.occurrences) {
        numbers.push_back(occurrence.number);
    }
    const auto span = time_span(failure);
    return {{"event", event_name(failure.first.record.kind)},
            {"is_error", failure.is_error()},
            {"outcome", outcome_of(failure.first.record)},
            {"times", failure.times},
            {"first", span.has_value() ? Json(text_of_instant(span->first)) : Json(nullptr)},
            {"last", span.has_value() ? Json(text_of_instant(span->second)) : Json(nullptr)},
            {"numbers", std::move(numbers)},
            {"fights", fights_json(failure)},
            {"first_event", Json::parse(failure.first.record.json)}};
}

} // namespace

std::string events_json(const EventReport& report) {
    Json failures = Json::array();
    for (const Failure& failure : report.failures) {
        failures.push_back(failure_json(failure));
    }
    return text_of(Json{{"schema", json_schema_version},
                        {"events", report.events},
                        {"failures", std::move(failures)},
                        {"unread", report.unread}});
}

} // namespace portguard::tools
