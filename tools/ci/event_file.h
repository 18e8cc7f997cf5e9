// The log that all processes of a run write to.
#pragma once

#include <cstdint>
#include <string>

#include "tools/cli/command.h"
#include "tools/events/events_report.h"

namespace portguard::tools {

class EventFile {
public:
    /// The file of --log=file:PATH, else a new one below TMPDIR. Throws Refusal where the guard would not
    /// write there.
    explicit EventFile(const Arguments& arguments);
    EventFile(const EventFile&) = delete;
    EventFile& operator=(const EventFile&) = delete;
    /// A file that was made here and is empty goes.
    ~EventFile();

    [[nodiscard]] const std::string& path() const { return path_; }
    /// What has been written since this object was made.
    [[nodiscard]] EventReport read() const;

private:
    std::string path_;
    bool is_temporary_ = false;
    /// Events that stood there before.
    std::uint64_t earlier_ = 0;
};

} // namespace portguard::tools
