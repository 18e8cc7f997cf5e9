// One call of a program, between two closes of descriptors that never were: what a trace shows between those
// marks is the program's call and ours. The result is told by the exit status alone, for any other way may be
// made to fail.
//
// usage: fault_victim SITUATION [shared | NUMBER ACTION]
//   It says "r" and waits for a byte on standard input, so that a tracer may come; then says "d", and makes a
//   second event of its own if there is another byte to read. shared: the first calls after that byte are not
//   used up (below). NUMBER: a system call that a filter answers by
//   ACTION (SECCOMP_RET_..., seccomp(2)) from the mark on.
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int first_mark = 7777;
constexpr int second_mark = 7778;
constexpr int untouched_errno = 4242;

// What the exit status is made of: 0 success, else errno; what must never be has a status of its own.
constexpr int errno_was_changed = 200;
constexpr int descriptors_leaked = 201;
constexpr int child_was_seen = 202;
constexpr int flag_was_left = 203;
constexpr int mask_was_changed = 204;
constexpr int no_filter = 252;

constexpr std::uint16_t busy_port = 10001;
constexpr std::uint16_t lingering_port = 10002;
constexpr std::uint16_t free_port = 10003;
constexpr std::uint16_t server_port = 10004;
constexpr std::uint16_t outside_port = 20000;

volatile sig_atomic_t children_ended = 0;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int bind_to(int fd, std::uint16_t port) {
    const sockaddr_in address = loopback(port);
    return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

/// As the cure does it: the flag for the length of the call.
int bind_past_the_guard(int fd) {
    const sockaddr_in address = loopback(lingering_port);
    int flag = 1;
    syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &flag, sizeof flag);
    const long result = syscall(SYS_bind, fd, &address, sizeof address);
    flag = 0;
    syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &flag, sizeof flag);
    return static_cast<int>(result);
}

int connect_to(int fd, std::uint16_t port) {
    const sockaddr_in address = loopback(port);
    return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

int open_descriptors() {
    int count = 0;
    for (int fd = 0; fd < 256; ++fd) {
        // By a call that nothing of ours makes.
        count += syscall(SYS_getpeername, fd, nullptr, nullptr) == 0 || errno != EBADF ? 1 : 0;
    }
    return count;
}

bool has_flag(int fd) {
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, &length) == 0 && value != 0;
}

bool blocks_signals() {
    sigset_t mask;
    sigemptyset(&mask);
    sigprocmask(SIG_BLOCK, nullptr, &mask);
    return sigismember(&mask, SIGTERM) == 1;
}

struct Situation {
    std::string_view name;
    /// Before the marks.
    int (*prepare)(int fd);
    int (*call)(int fd);
    bool may_keep_flag = false;
};

/// socket is a call of which we make something as well.
int connect_datagram_socket(int /*fd*/) {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    const int result = fd < 0 ? -1 : connect_to(fd, server_port);
    close(fd);
    return result;
}

int nothing(int /*fd*/) {
    return 0;
}

constexpr std::array situations{
    Situation{"in_use", nothing, [](int fd) { return bind_to(fd, busy_port); }},
    Situation{"cured", nothing, [](int fd) { return bind_to(fd, lingering_port); }},
    // A bind that was cured leaves its listen to be cured as well; past the guard, which would report the one
    // and count the other.
    Situation{"cured_listen", bind_past_the_guard, [](int fd) { return listen(fd, 1); }, true},
    Situation{"refused", nothing, [](int fd) { return bind_to(fd, outside_port); }},
    Situation{"listen", [](int fd) { return bind_to(fd, free_port); }, [](int fd) { return listen(fd, 1); },
              true},
    Situation{"connect", nothing, [](int fd) { return connect_to(fd, server_port); }, true},
    Situation{"port_zero", nothing, [](int fd) { return bind_to(fd, 0); }},
    Situation{"datagram", nothing, connect_datagram_socket},
};

/// A fault is counted for each process by itself: the first forty of these belong to nobody here, so that the
/// child's first few can fail alone. None of them does anything.
void use_up_first_calls() {
    constexpr std::array names{SYS_bind,   SYS_getsockopt,     SYS_setsockopt, SYS_getsockname, SYS_listen,
                               SYS_fstat,  SYS_close,          SYS_socket,     SYS_connect,     SYS_mmap,
                               SYS_munmap, SYS_mprotect,       SYS_getpid,     SYS_gettid,      SYS_clone,
                               SYS_wait4,  SYS_rt_sigprocmask, SYS_read,       SYS_write};
    for (const long name : names) {
        for (int count = 0; count < 40; ++count) {
            syscall(name, -1L, 0L, 0L, 0L, 0L, 0L);
        }
    }
}

void filter(long number, std::uint32_t action) {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog whole{std::size(program), program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole, 0, 0) != 0) {
        _exit(no_filter);
    }
}

/// False: there is none.
bool take_byte() {
    char byte = 0;
    return read(STDIN_FILENO, &byte, 1) == 1;
}

void say(char byte) {
    if (write(STDOUT_FILENO, &byte, 1) != 1) {
        _exit(254);
    }
}

int judge(const Situation& situation, int fd, int descriptors_before, int result, int error) {
    if (children_ended != 0 || waitpid(-1, nullptr, WNOHANG) != -1) {
        return child_was_seen;
    }
    if (open_descriptors() != descriptors_before) {
        return descriptors_leaked;
    }
    if (has_flag(fd) && (result != 0 || !situation.may_keep_flag)) {
        return flag_was_left;
    }
    if (blocks_signals()) {
        return mask_was_changed;
    }
    return result != 0 ? error : error != untouched_errno ? errno_was_changed : 0;
}

constexpr long no_number = -1;

int play(const Situation& situation, bool uses_up, long filtered, std::uint32_t action) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || situation.prepare(fd) != 0) {
        _exit(254);
    }
    const int before = open_descriptors();
    say('r');
    if (!take_byte()) {
        _exit(254);
    }
    if (filtered != no_number) {
        filter(filtered, action);
    } else if (uses_up) {
        use_up_first_calls();
    }
    close(first_mark);
    errno = untouched_errno;
    const int result = situation.call(fd);
    const int error = errno;
    close(second_mark);
    const int verdict = judge(situation, fd, before, result, error);
    if (filtered == no_number) {
        say('d');
        if (take_byte()) {
            const int other = socket(AF_INET, SOCK_STREAM, 0);
            bind_to(other, outside_port + 1);
        }
    }
    return verdict;
}

} // namespace

int main(int count, char** arguments) {
    std::signal(SIGCHLD, [](int) { children_ended = 1; });
    for (const Situation& situation : situations) {
        if (count > 1 && situation.name == arguments[1]) {
            const bool filters = count > 3;
            _exit(play(situation, count == 2, filters ? std::strtol(arguments[2], nullptr, 0) : no_number,
                       filters ? static_cast<std::uint32_t>(std::strtoul(arguments[3], nullptr, 0)) : 0));
        }
    }
    _exit(253);
}
