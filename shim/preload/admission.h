// Whether an event is told now, counted, or kept back: by level, by Fold, and by the share of time.
#pragma once

#include <cstdint>

#include "preload/job.h"

namespace portguard::admission {

/// CLOCK_MONOTONIC by libc, which has it without a system call (vdso(7)).
std::uint64_t now_ns();

/// Sets Job::tells, count and kept_back, as the event stands by now (Job::cured). In the program, or in the
/// child, whose memory is the program's.
void decide(Job& job, std::uint64_t now_ns);

/// What a told event has cost.
void spend(std::uint64_t elapsed_ns);

} // namespace portguard::admission
