#include "tools/events/following.h"

#include <algorithm>

#include <poll.h>

namespace portguard::tools {
namespace {

/// As often as tail(1) looks, and a person notices.
constexpr int interval_ms = 250;

void read_file(LogReader& log) {
    while (log.read_more()) {
    }
    log.follow_name();
}

} // namespace

void follow_logs(const std::vector<std::unique_ptr<LogReader>>& logs) {
    std::vector<LogReader*> files;
    std::vector<LogReader*> streams;
    for (const auto& log : logs) {
        (log->is_file() ? files : streams).push_back(log.get());
    }
    while (!files.empty() || !streams.empty()) {
        std::for_each(files.begin(), files.end(), [](LogReader* log) { read_file(*log); });
        std::vector<pollfd> waiting;
        waiting.reserve(streams.size());
        for (const LogReader* const log : streams) {
            waiting.push_back({log->descriptor(), POLLIN, 0});
        }
        ::poll(waiting.data(), waiting.size(), files.empty() ? -1 : interval_ms);
        for (std::size_t index = waiting.size(); index > 0; --index) {
            LogReader* const log = streams[index - 1];
            if (waiting[index - 1].revents != 0 && !log->read_more()) {
                log->end();
                streams.erase(streams.begin() + static_cast<std::ptrdiff_t>(index) - 1);
            }
        }
    }
}

} // namespace portguard::tools
