// The events of logs written with format=json, in the order in which they stand there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "tools/events/event_record.h"

namespace portguard::tools {

/// What a log is named on a command line where it is standard input.
inline constexpr std::string_view standard_input_name = "-";

/// A longer line is no event: 64 holders with long command lines need a tenth of it.
inline constexpr std::size_t longest_line = std::size_t{1} << 20;

struct LoggedEvent {
    EventRecord record;
    /// Counted from 1 over all the logs that are read: what --event names.
    std::uint64_t number = 0;
    /// Where it stands; `number_in_file` is what --event names where that file alone is read.
    std::string file;
    std::uint64_t number_in_file = 0;
    std::uint64_t line = 0;
};

/// Reads `files`, each plain or compressed by gzip(1), and passes on every event. Returns what could not be
/// read, each as "FILE:LINE: clause"; the events around it are there. Throws Refusal for a file that cannot
/// be opened.
std::vector<std::string> read_event_logs(std::span<const std::string> files,
                                         const std::function<void(LoggedEvent)>& take);

} // namespace portguard::tools
