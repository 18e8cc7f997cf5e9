// PROGRAM in the middle of a scene, and what became of it there.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "tools/common/guarded_program.h"
#include "tools/repro/fix.h"
#include "tools/repro/scene.h"

namespace portguard::tools {

struct ProgramPlan {
    GuardedProgram program;
    /// Empty: the caller's.
    std::string folder;
    bool with_shim = true;
    /// A server that serves does not end by itself.
    std::chrono::milliseconds limit{0};
    /// Standard output is somebody else's: what it writes goes to standard error.
    bool keeps_output_clear = false;
};

struct ProgramOutcome {
    /// Of its first event on the port; empty: none was told.
    std::string event;
    std::string call;
    std::string error;
    std::string cause;
    /// -1: ended by a signal.
    int exit_status = -1;
    int signal = 0;
    bool was_ended = false;

    /// A call on the port failed.
    [[nodiscard]] bool failed_on_port() const { return !error.empty(); }
};

ProgramOutcome run_program(const Scene& scene, Fix fix, const ProgramPlan& plan, bool other_users);

} // namespace portguard::tools
