// What a call is answered, by the policy and the cure of the preloaded object.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "tools/supervise/caller.h"
#include "tools/supervise/request.h"
#include "tools/supervise/socket_memory.h"
#include "tools/supervise/supervise.h"

namespace portguard::tools {

struct Answer {
    enum class Kind : std::uint8_t {
        /// The program makes the call itself. Not a security boundary: what it is about may be exchanged
        /// meanwhile.
        program_calls,
        /// The call has been made, or is refused: `error` is 0 or its errno.
        result,
        /// The descriptor `made` becomes the program's, and its number the result.
        descriptor,
        /// The call has been given up.
        gone,
    };
    Kind kind = Kind::program_calls;
    int error = 0;
    int made = -1;
    bool close_on_exec = false;
};

inline constexpr Answer given_up{Answer::Kind::gone, 0, -1, false};

/// Of the whole tree, and shared by those that serve it one after the other.
struct TreeState {
    SocketMemory sockets;
    /// Of those that may not be borrowed, by inode.
    SocketMemory unborrowed;
    /// A port was given for port 0 to one of those: it may be any of the range.
    std::atomic<bool> has_unknown_numbers{false};
    /// A program has restricted itself by Landlock, which a bind made in its place would not be held to: from
    /// then on each makes its own.
    std::atomic<bool> has_landlock{false};
    /// A thread may have entered another network: from then on each is asked for its own at each call.
    std::atomic<bool> may_change_network{false};
};

struct Supervision {
    /// Of the supervisor, as it was when the tree started.
    Surroundings own;
    /// SO_NETNS_COOKIE of a socket of the supervisor's network; 0: the kernel has none (before Linux 5.14).
    std::uint64_t network_cookie = 0;
    std::uint16_t first_unprivileged_port = 1024;
    /// CAP_SYS_PTRACE, in force.
    bool has_ptrace_right = false;
    /// The command and portguard-explain, which bind to probe.
    std::array<FileIdentity, 2> own_programs;
    bool beside_library = false;
    bool tells_io_uring = false;
    TreeState* tree = nullptr;
    TreeCounts* counts = nullptr;
    int listener = -1;
};

/// `is_second_try`: who received it before was killed, and may have made the call.
Answer answer_to(const Supervision& supervision, const seccomp_notif& notification, bool is_second_try);

/// `id`: the notification's, as it has to be valid after the program's memory has been read.
Answer answer_to_socket(const Supervision& supervision, const Caller& caller, const Request& request);
Answer answer_to_bind(const Supervision& supervision, const Caller& caller, const Request& request,
                      std::uint64_t id, bool is_second_try);
Answer answer_to_listen(const Supervision& supervision, const Caller& caller, const Request& request,
                        std::uint64_t id);

/// The same without a descriptor of the program's socket: the plan, and the report. The program makes the
/// call itself, or it is refused.
Answer answer_to_unborrowed_bind(const Supervision& supervision, const Caller& caller, const Request& request,
                                 std::uint64_t id);
Answer answer_to_unborrowed_listen(const Supervision& supervision, const Caller& caller,
                                   const Request& request, std::uint64_t id);

/// The call still waits: what was read of its thread was that thread's, and not of another that has its
/// number now.
bool is_waiting(int listener, std::uint64_t id);

} // namespace portguard::tools
