// A call that took a port, as `remember` kept it (core/ring.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "core/call.h"
#include "explain/stack.h"

namespace portguard {

/// A call that went through, and took the port.
struct RememberedCall {
    Call call = Call::bind;
    /// The program left the choice of the port to the kernel.
    bool kernel_chose = false;
    /// The socket itself made it; else it is that of the listener on its port, which must have accepted it.
    bool is_of_socket = true;
    pid_t pid = 0;
    pid_t tid = 0;
    std::string program;
    std::vector<std::string> argv;
    /// CLOCK_MONOTONIC.
    std::uint64_t time_ns = 0;
    /// Until it was looked at.
    std::uint64_t age_ns = 0;
    /// The process is gone by now. Nothing: it is of another pid namespace.
    std::optional<bool> has_ended;
    Stack stack;
};

/// "bind in server[4242] (ended), 3.2 s ago".
std::string describe(const RememberedCall& call);
/// "12 ms", "3.2 s", "4 min".
std::string describe_age(std::uint64_t ns);

} // namespace portguard
