// The thread that waits for an answer, as far as the supervisor has to know it.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/stat.h>
#include <sys/types.h>

#include "core/snapshot.h"
#include "kernel/proc.h"
#include "tools/supervise/caller_cache.h"

namespace portguard::tools {

/// What a socket or a bind takes over from whoever makes it. Where it is not the supervisor's own, the
/// program makes the call itself.
struct Surroundings {
    uid_t fs_uid = 0;
    gid_t fs_gid = 0;
    /// By number where the kernel tells it (Linux 6.13), else a hash of its path.
    std::uint64_t cgroup = 0;
    ino_t network = 0;
    /// Of SELinux or AppArmor; empty: neither labels anything.
    std::string label;

    /// All but the two ids, which a thread can take on.
    [[nodiscard]] bool are_those_of(const Surroundings& other) const {
        return cgroup == other.cgroup && network == other.network && label == other.label;
    }
};

/// `error` of Caller::borrow(): not for want of such a descriptor.
constexpr bool is_borrowing_forbidden(int error) {
    return error == EPERM || error == EACCES || error == ENOSYS;
}

/// `size` bytes of the memory of the thread `tid`, by whichever way is not forbidden. False: they cannot be
/// read.
bool read_memory_of(pid_t tid, std::uint64_t address, void* into, std::size_t size);

/// A file, whatever becomes of its name.
struct FileIdentity {
    dev_t device = 0;
    ino_t inode = 0;

    friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};
/// All zero: it cannot be looked at.
FileIdentity identity_of(const char* path);

/// Where a thread stands that waits in a system call.
struct StoppedAt {
    /// Of a call of i386: ebx, ecx, edx, esi, edi and ebp, whatever the call takes of them.
    std::array<std::uint64_t, 6> arguments{};
    std::uint64_t stack = 0;
    std::uint64_t code = 0;
};

class Caller {
public:
    /// `tid`: as the notification has it, in this process's pid namespace. `is_foreign`: Request's.
    Caller(pid_t tid, bool is_foreign, CallerCache* cache = nullptr);
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;
    ~Caller();

    [[nodiscard]] pid_t tid() const { return tid_; }
    /// e_machine of its program, which may call as programs of the other word size do; 0: not known.
    [[nodiscard]] std::uint16_t machine() const;
    /// Of its process; asked of /proc.
    [[nodiscard]] pid_t pid() const;
    /// As its user knows it (program_invocation_short_name(3)).
    [[nodiscard]] std::string program_name() const;
    /// The file that it runs.
    [[nodiscard]] FileIdentity program_file() const;
    [[nodiscard]] std::optional<StoppedAt> stopped_at() const;
    /// The library has judged the call and another library makes it: the mark lies on the stack (JudgedHere).
    [[nodiscard]] bool is_judged() const;
    /// A duplicate of its descriptor, the caller's to close; -1 with errno: pidfd_getfd(2) is forbidden
    /// (Yama, another user, Docker's filter), or it has none of this number.
    [[nodiscard]] int borrow(int fd) const;
    /// What /proc shows of its descriptor, which takes less of a right (PTRACE_MODE_READ): where the link
    /// leads.
    [[nodiscard]] ProcPath path_of(int fd) const;
    /// False: it has gone, or may not be asked.
    [[nodiscard]] bool read_surroundings(Surroundings& surroundings) const;
    /// The kernel would let it bind to a port below net.ipv4.ip_unprivileged_port_start.
    [[nodiscard]] bool may_bind_low_ports() const;

private:
    /// Fails where the thread has gone.
    bool ask_info();
    [[nodiscard]] bool read_surroundings_by_text(Surroundings& surroundings) const;

    pid_t tid_;
    bool is_foreign_;
    /// Of the thread; before Linux 6.9 of its process.
    int descriptor_;
    bool is_of_thread_ = true;
    CallerCache* cache_;
    /// By the descriptor (Linux 6.13): those parts of them that it tells.
    bool has_info_ = false;
    Surroundings info_;
    mutable ino_t network_ = 0;
};

/// Of this thread.
Surroundings own_surroundings();

} // namespace portguard::tools
