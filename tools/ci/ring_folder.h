// Where a run remembers who took which port (core/ring.h).
#pragma once

#include <string>

namespace portguard::tools {

/// A folder of this user's alone, in memory where there is such; it goes with this object.
class RingFolder {
public:
    RingFolder();
    RingFolder(const RingFolder&) = delete;
    RingFolder& operator=(const RingFolder&) = delete;
    ~RingFolder();

    /// Of a file that is not there yet; empty: no folder could be made, and nothing is remembered.
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string folder_;
    std::string path_;
};

} // namespace portguard::tools
