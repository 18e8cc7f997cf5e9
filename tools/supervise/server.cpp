#include "tools/supervise/server.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <exception>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/snapshot.h"
#include "tools/supervise/receivers.h"

namespace portguard::tools {
namespace {

constexpr int peer_fd = kept_listener + 1;
constexpr std::size_t most_threads = 64;

/// Shared by a server and those that come after it. Where the kernel writes a notification into: whoever
/// takes over finds those here that were received and not answered, which the kernel hands out once.
struct Slot {
    alignas(64) std::array<std::byte, 184> bytes;
    /// Servers that have ended with this one in their hands.
    std::uint32_t given_up;

    [[nodiscard]] seccomp_notif& notification() { return *reinterpret_cast<seccomp_notif*>(bytes.data()); }
};

struct Shared {
    TreeState tree;
    std::array<Slot, most_threads> slots;
};

// Linux 6.6, newer than the headers of the oldest distribution that builds this.
constexpr unsigned long notif_set_flags = _IOW(SECCOMP_IOC_MAGIC, 4, std::uint64_t);
constexpr unsigned long sync_wake_up = 1;

void send(int listener, std::uint64_t id, int error, bool program_calls, int value = 0) {
    seccomp_notif_resp response{};
    response.id = id;
    response.error = -error;
    response.val = value;
    response.flags = program_calls ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
    ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

/// In two steps: one that does both (SECCOMP_ADDFD_FLAG_SEND) answers the call before the descriptor is
/// there, and where this process is killed in between, socket(2) returns 0, which is the program's standard
/// input. A call that has been received ends by no signal but one that kills (install_filter), so that none
/// comes between the two.
void send_descriptor(int listener, std::uint64_t id, const Answer& answer) {
    seccomp_notif_addfd added{};
    added.id = id;
    added.srcfd = static_cast<__u32>(answer.made);
    added.newfd_flags = answer.close_on_exec ? O_CLOEXEC : 0;
    const int number = ::ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &added);
    ::close(answer.made);
    if (number >= 0) {
        send(listener, id, 0, false, number);
    } else if (errno != ENOENT) {
        // EMFILE is the program's own.
        send(listener, id, 0, true);
    }
}

void handle(const Supervision& supervision, const seccomp_notif& notification, bool is_second_try) {
    Answer answer;
    try {
        answer = answer_to(supervision, notification, is_second_try);
    } catch (const std::exception&) {
        // No memory: the program goes on as without us.
        answer = {};
    }
    switch (answer.kind) {
    case Answer::Kind::descriptor: send_descriptor(supervision.listener, notification.id, answer); break;
    case Answer::Kind::result: send(supervision.listener, notification.id, answer.error, false); break;
    case Answer::Kind::program_calls: send(supervision.listener, notification.id, 0, true); break;
    case Answer::Kind::gone: break;
    }
}

struct Worker {
    const Supervision* supervision;
    Receivers* receivers;
    Slot* slot;
};

/// What a server before this one has received and not answered. Of two that ended over the same call, it may
/// be the call that ended them: the program makes it itself then.
void take_over(const Supervision& supervision, Slot& slot) {
    const seccomp_notif& notification = slot.notification();
    if (notification.id == 0 || !is_waiting(supervision.listener, notification.id)) {
        return;
    }
    if (++slot.given_up > 1) {
        send(supervision.listener, notification.id, 0, true);
    } else {
        handle(supervision, notification, true);
    }
}

bool receive(const Supervision& supervision, Slot& slot) {
    slot.given_up = 0;
    // The kernel takes no buffer that is not zero.
    std::memset(slot.bytes.data(), 0, slot.bytes.size());
    return ::ioctl(supervision.listener, SECCOMP_IOCTL_NOTIF_RECV, &slot.notification()) == 0;
}

void* work(void* argument) {
    const Worker& worker = *static_cast<const Worker*>(argument);
    take_over(*worker.supervision, *worker.slot);
    for (;;) {
        worker.receivers->begin();
        const bool received = receive(*worker.supervision, *worker.slot);
        worker.receivers->end();
        if (received) {
            handle(*worker.supervision, worker.slot->notification(), false);
        }
    }
}

/// Where no thread can be had (RLIMIT_NPROC), by this one. Its standby is not replaced.
[[noreturn]] void serve_alone(const Supervision& supervision, Shared& shared) {
    for (Slot& slot : shared.slots) {
        take_over(supervision, slot);
    }
    pollfd watched{kept_listener, POLLIN, 0};
    for (;;) {
        if (::poll(&watched, 1, -1) > 0) {
            if ((watched.revents & POLLHUP) != 0) {
                ::_exit(0);
            }
            if (receive(supervision, shared.slots.front())) {
                handle(supervision, shared.slots.front().notification(), false);
            }
        }
    }
}

std::size_t processors() {
    cpu_set_t set;
    CPU_ZERO(&set);
    const int count = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return std::clamp<std::size_t>(static_cast<std::size_t>(count), 1, most_threads);
}

void start_workers(const Supervision& supervision, Shared& shared) {
    static std::array<Worker, most_threads> workers;
    // A new one: of that of a server before this one, whose memory this is, a thread that is not here may
    // hold the lock.
    auto* const receivers = new Receivers;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    // A cure's child has a stack of its own.
    constexpr std::size_t stack_size = 512 * 1024;
    pthread_attr_setstacksize(&attributes, stack_size);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    bool started = false;
    for (std::size_t index = 0; index < processors(); ++index) {
        workers[index] = {&supervision, receivers, &shared.slots[index]};
        pthread_t thread{};
        started = pthread_create(&thread, &attributes, work, &workers[index]) == 0 || started;
    }
    if (!started) {
        serve_alone(supervision, shared);
    }
}

void close_all_but(int first_closed) {
    ::syscall(__NR_close_range, first_closed, ~0U, 0);
}

/// Under peer_fd, which is returned; -1: there is no such process.
int keep_pidfd(pid_t pid) {
    const int fd = pid > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1;
    if (fd >= 0 && fd != peer_fd) {
        ::dup3(fd, peer_fd, O_CLOEXEC);
        ::close(fd);
    }
    return fd < 0 ? -1 : peer_fd;
}

/// Until the peer has gone; -1: there is none. Does not return if the tree has gone before. POLLERR says no
/// more than that the kernel was interrupted while it looked (seccomp_notify_poll).
void watch(int peer) {
    std::array<pollfd, 2> watched{pollfd{kept_listener, 0, 0}, pollfd{peer, POLLIN, 0}};
    for (;;) {
        const int count = ::poll(watched.data(), watched.size(), -1);
        if (count > 0 && (watched[0].revents & POLLHUP) != 0) {
            ::_exit(0);
        }
        if (count > 0 && watched[1].revents != 0) {
            return;
        }
    }
}

/// Returns in the process that has to serve from here on. The other is the standby, until its server dies:
/// then it returns, too.
pid_t fork_standby() {
    const pid_t server = ::getpid();
    const pid_t child = ::fork();
    if (child != 0) {
        return child;
    }
    // Of a server that serves already, a program's socket may be among them.
    close_all_but(peer_fd);
    if (keep_pidfd(server) >= 0 && ::getppid() == server) {
        watch(peer_fd);
    }
    return 0;
}

/// A standby whose turn has come returns from here as well.
pid_t become_server() {
    pid_t standby = fork_standby();
    while (standby == 0) {
        standby = fork_standby();
    }
    return standby;
}

} // namespace

[[noreturn]] void serve_tree(Supervision& supervision) {
    void* const memory =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        ::_exit(1);
    }
    // Fresh anonymous memory is all zero, which is what an empty Shared is.
    auto& shared = *static_cast<Shared*>(memory);
    supervision.tree = &shared.tree;
    ::ioctl(kept_listener, notif_set_flags, sync_wake_up);
    pid_t standby = become_server();
    for (;;) {
        // Before a worker is there, whose descriptors take the numbers that are free.
        int peer = keep_pidfd(standby);
        start_workers(supervision, shared);
        for (;;) {
            watch(peer);
            ::waitpid(standby, nullptr, 0);
            standby = fork_standby();
            if (standby == 0) {
                break;
            }
            peer = keep_pidfd(standby);
        }
        // That was the standby of this server, which has died since.
        standby = become_server();
    }
}

} // namespace portguard::tools
