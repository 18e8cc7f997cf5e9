#include "preload/cure.h"

#include <cerrno>
#include <cstdint>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "kernel/judged_call.h"
#include "kernel/kernel_call.h"
#include "kernel/port_look.h"
#include "kernel/socket_option.h"
#include "preload/guard.h"
#include "preload/port_lock.h"
#include "preload/unseen_socket.h"

namespace portguard {
namespace {

struct Asked {
    AskedAddress address;
    std::uint64_t inode = 0;
};

/// What bind asked for; for listen, what the socket has.
bool read_asked(const Occurrence& occurrence, int socket, Asked& asked) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (occurrence.address != nullptr) {
        length = occurrence.length < length ? occurrence.length : length;
        std::memcpy(&storage, occurrence.address, length);
    } else if (kernel_call(SYS_getsockname, socket, as_argument(&storage), as_argument(&length)) != 0) {
        return false;
    }
    struct stat status {};
    if (kernel_call(call_fstat, socket, as_argument(&status)) != 0) {
        return false;
    }
    asked.inode = status.st_ino;
    asked.address.endpoint = read_endpoint(reinterpret_cast<const sockaddr*>(&storage), length);
    asked.address.v6only = socket_option_or(socket, SOL_IPV6, IPV6_V6ONLY, 0) != 0;
    const auto device = static_cast<std::uint32_t>(socket_option_or(socket, SOL_SOCKET, SO_BINDTOIFINDEX, 0));
    asked.address.device =
        device != 0 ? device : scope_of(reinterpret_cast<const sockaddr*>(&storage), length);
    return asked.address.endpoint.family != Family::other && asked.address.endpoint.port != 0;
}

/// The flag as the program set it; true also where the kernel does not say, or says that this is no TCP
/// socket (K10).
bool has_flag_or_is_foreign(int socket) {
    const int protocol = socket_option_or(socket, SOL_SOCKET, SO_PROTOCOL, 0);
    return (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP) ||
           socket_option_or(socket, SOL_SOCKET, SO_REUSEADDR, 1) != 0;
}

PortLook look(const Asked& asked, std::span<std::byte> answers, SeenSockets* seen = nullptr) {
    return look_at_port(asked.address, asked.inode, answers, guard::config().limits.budget_ms, seen);
}

bool set_flag(Job& job) {
    job.set_flag = set_socket_option(job.socket, SOL_SOCKET, SO_REUSEADDR, 1) == 0;
    return job.set_flag;
}

/// Where that fails, the program's own process tries (settle in child.cpp).
void take_flag_back(Job& job) {
    job.set_flag = set_socket_option(job.socket, SOL_SOCKET, SO_REUSEADDR, 0) != 0;
}

/// The flag lives for this one call: set any longer it opens the port to every binder that has it as well
/// (K7).
bool bind_with_flag(Job& job) {
    if (!set_flag(job)) {
        return false;
    }
    const Occurrence& occurrence = job.occurrence;
    const long result = judged_call(SYS_bind, job.socket, as_argument(occurrence.address), occurrence.length);
    // At once, for whoever is left if this process is killed.
    job.cured = result == 0;
    take_flag_back(job);
    return job.cured;
}

/// A listener keeps it, for its next restart.
bool listen_with_flag(Job& job) {
    if (!set_flag(job)) {
        return false;
    }
    job.cured = judged_call(SYS_listen, job.socket, job.occurrence.backlog) == 0;
    if (job.cured) {
        job.set_flag = false;
    } else {
        take_flag_back(job);
    }
    return job.cured;
}

/// What stood in the way has gone since listen failed, and the kernel may be asked again as the program did.
/// Of a bind that was cured the program cannot know that its listen may still fail.
bool listen_once_more(Job& job) {
    job.cured = judged_call(SYS_listen, job.socket, job.occurrence.backlog) == 0;
    if (job.cured) {
        set_socket_option(job.socket, SOL_SOCKET, SO_REUSEADDR, 1);
    }
    return job.cured;
}

} // namespace

bool try_cure(Job& job, std::span<std::byte> answers) {
    Asked asked;
    if (has_flag_or_is_foreign(job.socket) || !read_asked(job.occurrence, job.socket, asked)) {
        return false;
    }
    // Before the look: two that saw the same TIME_WAIT would both bind otherwise (298 of 2,000 tries).
    // A bind that finds it taken is refused, as it was without us; a listen may follow a bind that was cured,
    // and waits for the look of one that will be refused.
    const bool listens = job.occurrence.call == Call::listen;
    constexpr int longest_look_ms = 50;
    const PortLock lock(asked.address.endpoint.port, listens ? longest_look_ms : 1);
    if (lock.is_taken()) {
        return false;
    }
    const PortLook seen = look(asked, answers, &job.seen);
    if (listens && seen.is_empty()) {
        return listen_once_more(job);
    }
    if (!seen.may_cure()) {
        return false;
    }
    if (listens) {
        return listen_with_flag(job);
    }
    if (is_bound_unseen(asked.address) || !bind_with_flag(job)) {
        return false;
    }
    // Without a lock (no AF_UNIX in a sandbox) another may have done the same meanwhile. Each sees the
    // other's, and gives up: the bind cannot be undone, but the program is told what it would have been told.
    return lock.is_held() || look(asked, answers).may_cure();
}

void look_for_helper(Job& job, std::span<std::byte> answers) {
    Asked asked;
    if (job.seen.whole || job.seen.is_full || !job.facts.is_tcp_like() ||
        !read_asked(job.occurrence, job.socket, asked)) {
        return;
    }
    job.seen.used = 0;
    job.seen.wants_all = true;
    look(asked, answers, &job.seen);
}

} // namespace portguard
