// The events of logs, in the order in which they stand there: JSON lines of ours, reports for people, with or
// without what syslog, the journal or a container's log puts around them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "tools/events/event_record.h"
#include "tools/events/log_entry.h"

namespace portguard::tools {

/// What a log is named on a command line where it is standard input.
inline constexpr std::string_view standard_input_name = "-";
/// What the systemd journal is named among the logs that were read.
inline constexpr std::string_view journal_name = "the journal";

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

/// Gives every event a number, and passes it on.
using TakeEvent = std::function<void(LoggedEvent)>;

/// Reads `files`, each plain or compressed by gzip(1), and passes on every event. Returns what could not be
/// read, one sentence per file; the events around it are there. Throws Refusal for a file that cannot be
/// opened.
std::vector<std::string> read_event_logs(std::span<const std::string> files, const TakeEvent& take);
/// The same; `events` is how many were read before.
std::vector<std::string> read_event_logs(std::span<const std::string> files, const TakeEvent& take,
                                         std::uint64_t& events);

/// One log that is read bit by bit.
class LogReader {
public:
    /// `events` counts those of all logs. `fd` is closed with the reader. Throws Refusal where it is -1, with
    /// errno.
    LogReader(std::string file, int fd, std::uint64_t& events, const TakeEvent& take);
    LogReader(const LogReader&) = delete;
    LogReader& operator=(const LogReader&) = delete;
    ~LogReader();

    /// Up to the present end of a file. Throws Refusal for what cannot be read at all, such as a folder.
    void read_file();
    /// What has come since, without gzip. False: the end, for now.
    bool read_more();
    /// The other file that has the name by now is read from its start on; a log may be renamed.
    void follow_name();
    /// Nothing comes any more.
    void end();

    [[nodiscard]] int descriptor() const { return fd_; }
    /// A plain one, which can grow, and be renamed.
    [[nodiscard]] bool is_file() const;
    /// Empty: everything could be read.
    [[nodiscard]] std::string complaint() const;

private:
    void take_bytes(std::string_view bytes);
    void end_line();
    void take_line();
    void complain(const std::string& what);

    std::string file_;
    int fd_;
    std::uint64_t& events_;
    const TakeEvent& take_;
    EntryReader entries_;
    std::string line_;
    std::uint64_t number_ = 0;
    std::uint64_t events_here_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t bad_lines_ = 0;
    std::uint64_t first_bad_line_ = 0;
    std::string first_problem_;
    /// Why what follows could not be read.
    std::string early_end_;
    bool too_long_ = false;
};

/// Of a file, or of standard input by its name; -1 with errno.
int open_log(const std::string& file);

} // namespace portguard::tools
