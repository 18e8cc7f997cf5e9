// The processes that hold what an event's holders held.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tools/repro/scene.h"
#include "tools/repro/scene_process.h"

namespace portguard::tools {

class StandIns {
public:
    /// Makes all of scene.stand_ins, and returns once the kernel shows them. What cannot be had is told in
    /// missing(). `other_users`: processes can become those.
    void start(const Scene& scene, bool other_users);
    /// They let go of everything.
    void stop() { processes_.clear(); }

    [[nodiscard]] const std::vector<std::string>& missing() const { return missing_; }

private:
    std::vector<std::unique_ptr<Child>> processes_;
    std::vector<std::string> missing_;
};

} // namespace portguard::tools
