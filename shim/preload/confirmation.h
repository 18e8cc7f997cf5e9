// What is remembered of a socket is a hint. Before anything is done or told, the child asks the kernel.
#pragma once

#include "preload/job.h"

namespace portguard {

/// Sets Job::facts and Job::kind to what the kernel says, and Job::may_cure to false where a cure is out of
/// the question. False: this is no event of ours, and nothing is told. For the child.
bool confirm(Job& job);

} // namespace portguard
