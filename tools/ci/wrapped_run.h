// A program and all that it starts, run to its end below this process.
#pragma once

#include <chrono>
#include <functional>

#include "tools/common/guarded_program.h"

namespace portguard::tools {

/// Starts `program` in a process that has run `enter`, passes signals on to it and waits for its end; returns
/// what wait(2) says of it. This process adopts what `program` leaves behind. `look` is called every
/// `interval`. Throws Refusal where the program cannot be started, or `enter` has thrown one.
int run_to_its_end(const GuardedProgram& program, const std::function<void()>& enter,
                   std::chrono::milliseconds interval, const std::function<void()>& look);

/// Ends this process as the program ended: with its exit status, or by its signal.
[[noreturn]] void end_like(int wait_status);

} // namespace portguard::tools
