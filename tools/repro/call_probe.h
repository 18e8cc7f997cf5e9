// One call of the event's, made again by a process of ours: what the kernel says to it, and what the
// diagnosis makes of that.
#pragma once

#include <optional>
#include <string>

#include "tools/repro/fix.h"
#include "tools/repro/scene.h"
#include "tools/repro/scene_process.h"

namespace portguard::tools {

struct ProbeResult {
    /// errno; 0: the call went through.
    int error = 0;
    /// bind had said EADDRINUSE before SO_REUSEADDR was set.
    bool is_cured = false;
    /// What the diagnosis told, empty where there was nothing to tell.
    std::string cause;
    std::string sentence;
};

class Probe {
public:
    /// Makes the socket, which in an event of listen(2) is bound now, before its holders are there.
    Probe(const Scene& scene, Fix fix, bool other_users);

    /// Makes the call. `let_go` is called between it and the look-up, where scene.holders_vanish.
    ProbeResult run(const std::function<void()>& let_go);

private:
    const Scene& scene_;
    Child process_;
};

} // namespace portguard::tools
