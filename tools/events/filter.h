// Which events of a log are meant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/port_set.h"
#include "explain/cause.h"
#include "tools/cli/command.h"
#include "tools/events/event_record.h"
#include "tools/events/log_time.h"

namespace portguard::tools {

std::vector<std::string_view> event_words();
std::vector<std::string_view> cause_words();

inline constexpr Parameter event_filter{.name = "event",
                                        .values = "KIND",
                                        .fallback = "",
                                        .help = "only events of this kind",
                                        .choices = event_words};
inline constexpr Parameter cause_filter{.name = "cause",
                                        .values = "CAUSE",
                                        .fallback = "",
                                        .help = "only events with this cause, such as own_time_wait",
                                        .choices = cause_words};
inline constexpr Parameter port_filter{"port", "PORT(|LOW-HIGH)[,...]", "", "only events about these ports"};
inline constexpr Parameter pid_filter{"pid", "PID", "", "only events of this process, or of what it started"};
inline constexpr Parameter program_filter{"program", "NAME", "", "only events of programs of this name"};
inline constexpr Parameter call_filter{"call", "bind|listen|connect|setsockopt", "",
                                       "only events of this call"};
inline constexpr Parameter since_filter{"since", "TIME", "",
                                        "from then on: yesterday, -1d, \"2026-11-24 18:01\""};
inline constexpr Parameter until_filter{"until", "TIME", "", "only events before this time"};

class EventFilter {
public:
    /// Throws Refusal for a value that no event could have.
    explicit EventFilter(const Arguments& arguments);

    /// An event whose log names no time is in no span.
    [[nodiscard]] bool passes(const EventRecord& event) const;
    [[nodiscard]] bool asks_for_time() const { return since_.has_value() || until_.has_value(); }
    [[nodiscard]] std::optional<Instant> since() const { return since_; }
    [[nodiscard]] std::optional<Instant> until() const { return until_; }

private:
    [[nodiscard]] bool is_in_time(const EventRecord& event) const;

    std::optional<EventKind> kind_;
    std::optional<Call> call_;
    std::optional<std::string> cause_;
    std::optional<PortSet> ports_;
    std::optional<pid_t> pid_;
    std::optional<std::string> program_;
    std::optional<Instant> since_;
    std::optional<Instant> until_;
};

} // namespace portguard::tools
