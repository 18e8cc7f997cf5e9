// What /proc says of a process (proc_pid_status(5), proc_pid_cmdline(5)).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "core/text.h"
#include "kernel/syscalls.h"

namespace portguard {

/// A path below /proc, without a formatter that knows locales.
class ProcPath {
public:
    ProcPath(pid_t pid, std::string_view leaf) {
        text_.add("/proc/").add_number(static_cast<std::uint64_t>(pid)).add('/').add(leaf).add('\0');
    }
    [[nodiscard]] const char* c_str() const { return text_.view().data(); }

private:
    Text<64> text_;
};

/// The inode in what readlink(2) says of a socket's /proc/PID/fd entry: "socket:[4711]".
std::optional<std::uint32_t> parse_socket_link(std::string_view link);

/// Real, effective and saved.
template <typename Id>
using ThreeIds = std::array<Id, 3>;

/// /proc/PID/status. The name has newlines and backslashes escaped by the kernel.
struct ProcessStatus {
    std::string name;
    pid_t parent = 0;
    pid_t group = 0;
    pid_t session = 0;
    std::optional<ThreeIds<uid_t>> uids;
    std::optional<ThreeIds<gid_t>> gids;
    /// Sets of bits by number (capabilities(7)).
    std::uint64_t permitted_capabilities = 0;
    std::uint64_t effective_capabilities = 0;
    /// SECCOMP_MODE_FILTER and its like; 0: none, or unknown.
    int seccomp_mode = 0;
    bool is_stopped = false;
    /// The first of a pid namespace below the reader's own.
    bool is_first_below = false;
    /// Sets of signals: bit 0 is signal 1.
    std::uint64_t ignored_signals = 0;
    std::uint64_t caught_signals = 0;

    /// kill(1) without a signal's name does not end it: SIGTERM is ignored, waits until a stopped process
    /// goes on, or is dropped for the first of a pid namespace, unless that has a handler
    /// (pid_namespaces(7)).
    [[nodiscard]] bool outlives_sigterm() const;
    /// `capability`: CAP_NET_ADMIN and its like.
    [[nodiscard]] bool has_effective(unsigned capability) const {
        return ((effective_capabilities >> capability) & 1U) != 0;
    }
    [[nodiscard]] std::optional<uid_t> effective_uid() const {
        return uids.has_value() ? std::optional((*uids)[1]) : std::nullopt;
    }
};
ProcessStatus parse_status(std::string_view text);
/// Nothing where the process has gone.
std::optional<ProcessStatus> read_status(pid_t pid, const Syscalls& syscalls);

/// The arguments in /proc/PID/cmdline, each ended by a NUL. Programs may write there what they like.
std::vector<std::string> parse_command_line(std::string_view bytes);

struct Ancestor {
    pid_t pid = 0;
    std::string comm;
};

struct ProcessInfo {
    pid_t pid = 0;
    std::string comm;
    /// Empty for a kernel thread, or where it may not be read.
    std::vector<std::string> argv;
    std::optional<uid_t> uid;
    /// The parent first, init last; at most 16.
    std::vector<Ancestor> ancestors;
    /// It has outlived the process that started it: the leader of its group has gone, and its parent is one
    /// of another session, or init.
    bool left_behind = false;
    /// Inode of its network namespace, where it may be read.
    std::optional<std::uint64_t> netns;
};

/// Nothing where the process has gone.
std::optional<ProcessInfo> read_process(pid_t pid, const Syscalls& syscalls);

/// readlink(2) of /proc/PID/NAME; empty: it cannot be read.
std::string read_link_of(pid_t pid, std::string_view name);

/// Inode of the network namespace of `pid`, where it may be read.
std::optional<std::uint64_t> netns_of(pid_t pid);
/// The network namespace of the calling thread.
std::optional<std::uint64_t> own_netns();

/// A file's text, cut at `limit` bytes; nothing where it cannot be read.
std::optional<std::string> read_text_file(const char* path, std::size_t limit, const Syscalls& syscalls);

/// Of all threads of `pid` (proc_pid_task_children(5)); empty where the kernel was built without it.
std::vector<pid_t> children_of(pid_t pid, const Syscalls& syscalls);

} // namespace portguard
