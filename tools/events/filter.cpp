#include "tools/events/filter.h"

#include <algorithm>

#include "core/number.h"
#include "core/text.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

[[noreturn]] void refuse(const Parameter& parameter, const std::string& value, const std::string& right) {
    throw Refusal(ExitCode::usage,
                  spelled(parameter.name) + "=" + shown(value) + ": no event has this; expected " + right);
}

template <typename Value>
std::optional<Value> word(const Arguments& arguments, const Parameter& parameter,
                          std::optional<Value> (*meaning)(std::string_view), const std::string& right) {
    const std::string* const value = arguments.value(parameter.name);
    if (value == nullptr) {
        return std::nullopt;
    }
    const std::optional<Value> result = meaning(*value);
    if (!result.has_value()) {
        refuse(parameter, *value, right);
    }
    return result;
}

std::optional<pid_t> parse_pid(std::string_view text) {
    const std::optional<pid_t> pid = parse_number<pid_t>(text);
    return pid.value_or(0) > 0 ? pid : std::nullopt;
}

std::optional<PortSet> ports_of(const Arguments& arguments) {
    const std::string* const value = arguments.value(port_filter.name);
    if (value == nullptr) {
        return std::nullopt;
    }
    PortSet ports;
    Sentence why;
    if (!parse_port_set(*value, ports, why)) {
        throw Refusal(ExitCode::usage, "--port=" + shown(*value) + ": " + std::string(why.view()) +
                                           "; expected ports and ranges, as in 80,8000-8999");
    }
    return ports;
}

std::optional<Instant> moment_of(const Arguments& arguments, const Parameter& parameter) {
    const std::string* const value = arguments.value(parameter.name);
    if (value == nullptr) {
        return std::nullopt;
    }
    const auto moment = parse_moment(*value, instant_now());
    if (!moment.has_value()) {
        throw Refusal(ExitCode::usage, spelled(parameter.name) + "=" + shown(*value) +
                                           ": this is not a time; expected yesterday, -1d, 1h, 18:01, "
                                           "\"2026-11-24 18:01\" or a time of the log");
    }
    return moment;
}

bool is_of_process(const RecordedProcess& process, pid_t pid) {
    return process.pid == pid || std::any_of(process.ancestors.begin(), process.ancestors.end(),
                                             [pid](const Ancestor& ancestor) { return ancestor.pid == pid; });
}

bool is_named(const RecordedProcess& process, const std::string& name) {
    const bool has_argv = process.argv.has_value() && !process.argv->empty();
    return base_name(process.exe.value_or("")) == name ||
           (has_argv && base_name(process.argv->front()) == name);
}

} // namespace

std::vector<std::string_view> event_words() {
    return {event_names.begin(), event_names.end()};
}

std::vector<std::string_view> cause_words() {
    return {
#define CAUSE(name, subject, meaning) #name,
#include "explain/causes.def"
#undef CAUSE
    };
}

EventFilter::EventFilter(const Arguments& arguments)
    : kind_(word(arguments, event_filter, event_named, listed(event_words()))),
      call_(word(arguments, call_filter, call_named, std::string(call_filter.values))),
      ports_(ports_of(arguments)), pid_(word(arguments, pid_filter, parse_pid, "a process number")),
      since_(moment_of(arguments, since_filter)), until_(moment_of(arguments, until_filter)) {
    const auto cause = word(arguments, cause_filter, cause_named, "one that `portguard man events` lists");
    if (cause.has_value()) {
        cause_ = cause_name(*cause);
    }
    if (const std::string* const program = arguments.value(program_filter.name)) {
        program_ = *program;
    }
}

bool EventFilter::passes(const EventRecord& event) const {
    return (!kind_ || event.kind == *kind_) && (!call_ || event.call == *call_) &&
           (!cause_ || event.cause == *cause_) && (!ports_ || ports_->contains(event.asked.port)) &&
           (!pid_ || is_of_process(event.process, *pid_)) &&
           (!program_ || is_named(event.process, *program_)) && is_in_time(event);
}

bool EventFilter::is_in_time(const EventRecord& event) const {
    if (!asks_for_time()) {
        return true;
    }
    return !event.time.empty() && (!since_ || event.instant >= *since_) &&
           (!until_ || event.instant < *until_);
}

} // namespace portguard::tools
