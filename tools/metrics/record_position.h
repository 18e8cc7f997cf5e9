// Where a record was left, so that no event counts twice, and none is missed where the file is renamed or
// emptied.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/metrics/event_counts.h"

namespace portguard::tools {

struct RecordPosition {
    std::string file;
    /// 0: it has not been read yet.
    std::uint64_t inode = 0;
    std::uint64_t device = 0;
    std::uint64_t offset = 0;
    /// Of the bytes before `offset`: a file that was emptied and has grown again has others there.
    std::uint64_t fingerprint = 0;
    bool is_in_long_line = false;

    friend bool operator==(const RecordPosition&, const RecordPosition&) = default;
};

/// Counts what has come since. False: something could not be read, and `complaints` has one sentence more.
bool read_record(RecordPosition& position, EventCounts& counts, std::vector<std::string>& complaints);

} // namespace portguard::tools
