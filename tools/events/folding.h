// Many events as few failures: those with the same call, address, cause and stack are one.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/events/event_log.h"

namespace portguard::tools {

/// Who asked and who was in the way, told apart by their command lines. From the first event of its kind.
struct Fight {
    RecordedProcess asked;
    std::optional<RecordedHolder> holder;
    /// The event to replay.
    std::string file;
    std::uint64_t number_in_file = 0;
    std::uint64_t times = 0;
};

struct FoldedEvent {
    std::uint64_t number = 0;
    std::string time;
    std::chrono::milliseconds instant{0};
    std::uint64_t count = 1;
    /// Who asked, "python3[4711]".
    std::string asker;
};

struct Failure {
    LoggedEvent first;
    /// Calls, those that the log only counts among them.
    std::uint64_t times = 0;
    std::vector<FoldedEvent> occurrences;
    std::vector<Fight> fights;
    /// Further pairs that `fights` has no room for.
    std::uint64_t more_fights = 0;

    /// Its level is `error`: a call failed, or would have.
    [[nodiscard]] bool is_error() const;
    /// 0: a call failed. What failed on purpose comes last, after what was cured.
    [[nodiscard]] int rank() const;
};

/// From the first occurrence whose log names a time to the last; null: none does.
std::optional<std::pair<Instant, Instant>> time_span(const Failure& failure);

class Folding {
public:
    void add(LoggedEvent event);
    /// In the order in which they were first seen.
    [[nodiscard]] const std::vector<Failure>& failures() const { return failures_; }

private:
    std::vector<Failure> failures_;
    std::map<std::string, std::size_t> index_;
};

} // namespace portguard::tools
