#include "tools/events/folding.h"

#include <algorithm>

#include "tools/common/port_text.h"
#include "tools/events/event_words.h"

namespace portguard::tools {
namespace {

constexpr std::size_t most_fights = 8;

/// The stacks as places in files, since addresses differ from process to process.
std::string key_of(const EventRecord& event) {
    std::string key(event_name(event.kind));
    key.append(" ").append(call_name(event.call)).append(" ").append(protocol_name(event.protocol));
    key.append(" ").append(text_of(event.asked)).append(event.unix_name).append(" ").append(event.cause);
    for (const RecordedFrame& frame : event.stack) {
        // Code made at run time lies elsewhere each time.
        if (frame.module.has_value()) {
            key.append("\n").append(*frame.module).append("+").append(std::to_string(frame.offset));
        }
    }
    for (const RecordedScriptFrame& frame : event.script) {
        key.append("\n").append(frame.file.value_or("")).append(":");
        key.append(std::to_string(frame.line.value_or(0)));
    }
    return key;
}

/// The command lines alone: pids differ with every run.
bool is_same_fight(const Fight& fight, const EventRecord& event) {
    if (fight.asked.argv != event.process.argv || fight.holder.has_value() == event.holders.empty()) {
        return false;
    }
    if (!fight.holder.has_value()) {
        return true;
    }
    const RecordedHolder& held = event.holders.front();
    const auto argv_of = [](const RecordedHolder& holder) {
        return holder.owners.empty() ? std::nullopt : holder.owners.front().argv;
    };
    return fight.holder->state == held.state && argv_of(*fight.holder) == argv_of(held);
}

void add_fight(const LoggedEvent& event, Failure& failure) {
    const EventRecord& record = event.record;
    const auto found = std::find_if(failure.fights.begin(), failure.fights.end(),
                                    [&](const Fight& fight) { return is_same_fight(fight, record); });
    if (found != failure.fights.end()) {
        found->times += record.count;
    } else if (failure.fights.size() == most_fights) {
        ++failure.more_fights;
    } else {
        const auto holder = record.holders.empty() ? std::nullopt : std::optional(record.holders.front());
        failure.fights.push_back({record.process, holder, event.file, event.number_in_file, record.count});
    }
}

} // namespace

bool Failure::is_error() const {
    return level_of(first.record) == Level::error;
}

int Failure::rank() const {
    if (first.record.kind == EventKind::injected) {
        return 3;
    }
    switch (level_of(first.record)) {
    case Level::error: return 0;
    case Level::warn: return 1;
    case Level::info: break;
    }
    return 2;
}

std::optional<std::pair<Instant, Instant>> time_span(const Failure& failure) {
    std::optional<std::pair<Instant, Instant>> span;
    for (const FoldedEvent& occurrence : failure.occurrences) {
        if (occurrence.time.empty()) {
            continue;
        }
        const Instant at = occurrence.instant;
        span = span.has_value() ? std::pair(std::min(span->first, at), std::max(span->second, at))
                                : std::pair(at, at);
    }
    return span;
}

void Folding::add(LoggedEvent event) {
    const auto [entry, is_new] = index_.try_emplace(key_of(event.record), failures_.size());
    if (is_new) {
        failures_.emplace_back();
    }
    Failure& failure = failures_[entry->second];
    const EventRecord& record = event.record;
    failure.times += record.count;
    failure.occurrences.push_back(
        {event.number, record.time, record.instant, record.count, name_and_pid(record.process)});
    add_fight(event, failure);
    if (is_new) {
        failure.first = std::move(event);
    }
}

} // namespace portguard::tools
