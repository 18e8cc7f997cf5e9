// A snapshot, explained: the one way from what a failing call has left to a report.
#pragma once

#include <string>
#include <vector>

#include "core/snapshot.h"
#include "explain/facts.h"
#include "explain/journal_fields.h"
#include "explain/snapshot_reader.h"

namespace portguard {

/// What came with a snapshot; -1: it did not.
struct SnapshotFiles {
    int snapshot = -1;
    int socket = -1;
    int maps = -1;
    int memory = -1;
};

struct ExplainedEvent {
    /// Empty where config.format and config.log make it JSON.
    std::string text;
    /// Empty, unless config.format, config.log or config.record asks for it.
    std::string json;
    /// Empty, unless config.log is the journal.
    std::vector<JournalField> fields;
    Level level = Level::error;
};

/// `own_processes`: Inquiry's. May throw std::bad_alloc, nothing else.
ExplainedEvent explain_snapshot(const ReadSnapshot& read, const SnapshotFiles& files,
                                std::vector<pid_t> own_processes, const Deadline& deadline, bool coloured);

} // namespace portguard
