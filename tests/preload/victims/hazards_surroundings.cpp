// Calls in surroundings that have changed under us.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "victims/hazard.h"

namespace victim {
namespace {

long minor_faults() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

int get_flag(int fd) {
    int value = -1;
    socklen_t length = sizeof value;
    ::getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, &length);
    return value;
}

/// Sends `fd` through a socket pair and returns the number it arrives under.
int pass_through_socket(int fd) {
    std::array<int, 2> ends{};
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data());
    char byte = 'x';
    iovec data{&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    int received = -1;
    if (::sendmsg(ends[0], &message, 0) != 1 || ::recvmsg(ends[1], &message, 0) != 1) {
        return received;
    }
    std::memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
    return received;
}

template <std::size_t count>
bool install(std::array<sock_filter, count>& program) {
    const sock_fprog filter{static_cast<unsigned short>(count), program.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/// Kills the process at any system call but the program's own.
bool enter_sandbox() {
    constexpr std::array allowed{SYS_socket,     SYS_bind,       SYS_listen,      SYS_connect,
                                 SYS_setsockopt, SYS_getsockopt, SYS_getsockname, SYS_close,
                                 SYS_write,      SYS_exit_group, SYS_newfstatat};
    std::array<sock_filter, 2 + 2 * allowed.size()> program{};
    std::size_t next = 0;
    program[next++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
    for (const long number : allowed) {
        program[next++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1);
        program[next++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    program[next++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    return install(program);
}

} // namespace

int close_every_number() {
    constexpr rlim_t wanted = 1000000;
    rlimit limit{wanted, wanted};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        ::getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    const int far = ::fcntl(open_tcp(), F_DUPFD, static_cast<int>(limit.rlim_cur) - 1);
    say_number("far descriptor", far);
    say("bind far", bind_errno(far, refused_port));
    say("bind far inside", bind_errno(far, allowed_port));
    const long before = minor_faults();
    for (int fd = 3; fd < static_cast<int>(wanted); ++fd) {
        ::close(fd);
    }
    const long pages = minor_faults() - before;
    say_number("pages touched", pages < 16 ? 0 : pages);
    say("bind after", try_bind(refused_port));
    return 0;
}

int clear_environment() {
    for (char** variable = environ; *variable != nullptr; ++variable) {
        std::memset(*variable, 'x', std::strlen(*variable));
    }
    ::clearenv();
    say("bind refused", try_bind(refused_port));
    say("bind allowed", try_bind(allowed_port));
    return 0;
}

int close_unseen() {
    const int first = open_tcp();
    bind_errno(first, allowed_port);
    ::close_range(static_cast<unsigned>(first), static_cast<unsigned>(first), 0);
    // The number now belongs to a socket that nobody told us of.
    const int second = static_cast<int>(::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
    say_number("same number", first == second ? 1 : 0);
    say("bind refused", bind_errno(second, refused_port));
    say("bind allowed", bind_errno(second, allowed_port));
    say("listen", ::listen(second, 16) == 0 ? 0 : errno);
    FILE* const stream = ::fdopen(open_tcp(), "r+");
    const int number = ::fileno(stream);
    std::fclose(stream);
    const int netlink = static_cast<int>(::syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0));
    say_number("same number", number == netlink ? 1 : 0);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    say("connect netlink",
        ::connect(netlink, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0 : errno);
    return 0;
}

int receive_descriptor() {
    const int received = pass_through_socket(open_tcp());
    say("bind refused", bind_errno(received, refused_port));
    say("bind allowed", bind_errno(received, allowed_port));
    say("listen", ::listen(received, 16) == 0 ? 0 : errno);
    const int client = pass_through_socket(open_tcp());
    say("connect", connect_errno(client, allowed_port));
    say_number("flag of the client", get_flag(client));
    return 0;
}

int reopen_standard_error() {
    const char* const path = std::getenv("VICTIM_DATA");
    ::close(STDERR_FILENO);
    const int data = ::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    say_number("data file is descriptor", data);
    say("bind refused", try_bind(refused_port));
    occupy_busy_port();
    say("bind in use", try_bind(busy_port));
    return 0;
}

int change_root() {
    say("chroot", ::chroot(std::getenv("VICTIM_FOLDER")) == 0 && ::chdir("/") == 0 ? 0 : errno);
    occupy_busy_port();
    say("bind refused", try_bind(refused_port));
    say("bind in use", try_bind(busy_port));
    say("bind allowed", try_bind(allowed_port));
    return 0;
}

int count_threads() {
    occupy_busy_port();
    say("bind in use", try_bind(busy_port));
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.rfind("Threads:", 0) == 0) {
            say_number("threads", std::stol(line.substr(8)));
        }
    }
    say("unshare", ::unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
    return 0;
}

int throw_after_report() {
    occupy_busy_port();
    say("bind in use", try_bind(busy_port));
    int caught = 0;
    for (int round = 0; round < 100; ++round) {
        try {
            if (try_bind(round % 10 == 0 ? busy_port : refused_port) != 0) {
                throw std::runtime_error("as expected");
            }
        } catch (const std::runtime_error&) {
            ++caught;
        }
    }
    say_number("caught", caught);
    Dl_info info{};
    ::dladdr(::dlsym(RTLD_DEFAULT, "_Unwind_RaiseException"), &info);
    say_number("unwinder is libgcc's", std::strstr(info.dli_fname, "libgcc_s") != nullptr ? 1 : 0);
    return 0;
}

int run_in_seccomp_sandbox() {
    // What is done once a process is done before the sandbox closes, as in any server.
    try_bind(allowed_port);
    say("first", 0);
    if (!enter_sandbox()) {
        return 1;
    }
    const int listener = open_listener();
    say_number("listens", listener >= 0 ? 1 : 0);
    const int client = open_tcp();
    say("connect", connect_errno(client, allowed_port));
    say("close", ::close(client) == 0 ? 0 : errno);
    const int zero = open_tcp();
    say("bind 0", bind_errno(zero, 0));
    say("listen", ::listen(zero, 1) == 0 ? 0 : errno);
    return 0;
}

int report_often() {
    int wrong = 0;
    for (int round = 0; round < 2000; ++round) {
        wrong += try_bind(refused_port) != EACCES ? 1 : 0;
    }
    say_number("wrong answers", wrong);
    return 0;
}

} // namespace victim
