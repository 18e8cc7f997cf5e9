#include "tools/metrics/journal_position.h"

#include <array>
#include <cerrno>
#include <chrono>

#include <nlohmann/json.hpp>

#include <poll.h>
#include <unistd.h>

#include "kernel/deadline.h"
#include "kernel/syscalls.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/events/journal.h"

namespace portguard::tools {
namespace {

/// A scraper waits for its answer, for 10 s by default.
constexpr std::chrono::seconds patience{5};

std::string cursor_of(const std::string& entry) {
    const auto document = nlohmann::json::parse(entry, nullptr, false);
    const auto cursor = document.is_object() ? document.find("__CURSOR") : document.end();
    return document.is_object() && cursor != document.end() && cursor->is_string()
               ? cursor->get<std::string>()
               : std::string();
}

/// False: the time is over.
bool read_all(int fd, LineCounter& lines) {
    const Deadline deadline(patience);
    std::array<char, 65536> buffer{};
    while (true) {
        pollfd entry{fd, POLLIN, 0};
        if (::poll(&entry, 1, deadline.remaining_ms()) <= 0 && errno != EINTR) {
            return false;
        }
        const ssize_t count = entry.revents == 0 ? -1 : ::read(fd, buffer.data(), buffer.size());
        if (count == 0) {
            return true;
        }
        if (count > 0) {
            lines.take({buffer.data(), static_cast<std::size_t>(count)});
        }
        if (deadline.passed()) {
            return false;
        }
    }
}

} // namespace

bool read_journal(JournalPosition& position, EventCounts& counts, std::vector<std::string>& complaints) {
    JournalQuery query;
    query.after_cursor = position.cursor;
    query.since = position.since;
    JournalProcess journal(query);
    const Syscalls syscalls;
    const ScopedFd output(journal.take_output(), syscalls);
    LineCounter lines(counts, false);
    const bool is_whole = read_all(output.get(), lines);
    if (const std::string cursor = cursor_of(lines.last_line()); !cursor.empty()) {
        position.cursor = cursor;
    }
    if (!is_whole) {
        complaints.emplace_back(
            "--journal: journalctl was not done after 5 s; the rest is read the next time");
        return false;
    }
    if (const std::string problem = journal.finish(); !problem.empty()) {
        complaints.push_back("--journal: " + problem +
                             "; `journalctl --output=json` shows why, and root may read all of it");
        return false;
    }
    if (lines.unreadable() != 0) {
        complaints.push_back("--journal: " + counted(lines.unreadable(), "entry") +
                             " could not be read; the first: " + lines.problem() +
                             "; `portguard events --journal` shows the others");
        return false;
    }
    return true;
}

} // namespace portguard::tools
