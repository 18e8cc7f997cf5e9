// The systemd journal, read by its own journalctl(1): its files have a format of their own, and who may read
// them is for it to say.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

#include "tools/events/log_time.h"

namespace portguard::tools {

struct JournalQuery {
    /// "redis-server"; empty: every unit.
    std::string unit;
    std::optional<Instant> since;
    std::optional<Instant> until;
    /// `__CURSOR` of an entry: only what came after it; in the place of `since`.
    std::string after_cursor = {};
    /// Stay for what is yet to come.
    bool follow = false;
};

/// A running journalctl whose entries can be read, one JSON object a line.
class JournalProcess {
public:
    /// Throws Refusal where there is no journalctl in PATH.
    explicit JournalProcess(const JournalQuery& query);
    JournalProcess(const JournalProcess&) = delete;
    JournalProcess& operator=(const JournalProcess&) = delete;
    /// Ends it, where finish() was not called.
    ~JournalProcess();

    /// Where its entries come from; the caller closes it.
    [[nodiscard]] int take_output();
    /// Waits for it; empty, or why its answer is not all: "journalctl ended with 1".
    std::string finish();

private:
    pid_t pid_ = -1;
    int output_ = -1;
};

} // namespace portguard::tools
