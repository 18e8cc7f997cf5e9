// The second front end of `portguard run`: a process beside the program answers its socket, bind and listen.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "core/config.h"
#include "tools/common/explain_helper.h"

namespace portguard::tools {

/// What a tree did that its supervisor let pass unjudged: in memory that it shares with whoever starts it.
struct TreeCounts {
    /// Made by io_uring_setup(2), whose bind, listen and connect are no system calls.
    std::atomic<std::uint32_t> io_urings{0};
    /// bind and listen, of TCP and UDP, where the socket is of another network than at the start, and where
    /// the caller is in another cgroup, under another label or behind Landlock: only the plan is kept then.
    /// bind where the socket cannot be borrowed: it is looked at from outside.
    std::atomic<std::uint32_t> in_other_network{0};
    std::atomic<std::uint32_t> in_other_surroundings{0};
    std::atomic<std::uint32_t> not_borrowed{0};
};

struct SupervisorWish {
    /// The library is in the programs as well.
    bool beside_library = false;
    bool refuses_io_uring = false;
    /// Null: nobody asks, and the first ring of io_uring is logged.
    TreeCounts* counts = nullptr;
};

struct SupervisorStart {
    /// What does not hold, a sentence each, for people.
    std::vector<std::string> limits;
};

/// Puts the calling process, and so the program that it becomes, under a supervisor of its own. Throws
/// Refusal where that cannot be: nothing has happened then.
SupervisorStart start_supervisor(const Config& config, const ExplainerPaths& helpers,
                                 const SupervisorWish& wish);

} // namespace portguard::tools
