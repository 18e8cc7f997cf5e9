// Fails to bind in the surroundings that a report has to live with; each is named on the command line. Built
// twice: with debug information, and optimised, without frame pointers and stripped.
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

namespace {

constexpr std::uint16_t busy_port = 10001;

/// The name that a report has to show.
[[gnu::noinline]] int open_the_front_door(int fd) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(busy_port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int result = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    return result == 0 ? 0 : errno;
}

int try_once() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const int error = open_the_front_door(fd);
    close(fd);
    return error;
}

void say(const char* what, int error) {
    std::printf("%s -> %s\n", what, error == 0 ? "ok" : strerrorname_np(error));
    std::fflush(stdout);
}

void in_a_thread() {
    std::thread other([] { say("bind", try_once()); });
    other.join();
}

/// The return address of this frame and all above it is garbage by the time of the report.
[[gnu::noinline]] void with_a_corrupt_stack() {
    static std::array<char, 65536> memory;
    static ucontext_t coroutine;
    static ucontext_t back;
    getcontext(&coroutine);
    coroutine.uc_stack.ss_sp = memory.data();
    coroutine.uc_stack.ss_size = memory.size();
    coroutine.uc_link = &back;
    const auto body = [] {
        auto* const frame = static_cast<char*>(__builtin_frame_address(0));
        std::memset(frame, 0x41, static_cast<std::size_t>(memory.data() + memory.size() - frame));
        say("bind", try_once());
        _exit(0);
    };
    makecontext(&coroutine, static_cast<void (*)()>(body), 0);
    swapcontext(&back, &coroutine);
}

void on_a_coroutine() {
    static std::array<char, 65536> memory;
    static ucontext_t coroutine;
    static ucontext_t back;
    getcontext(&coroutine);
    coroutine.uc_stack.ss_sp = memory.data();
    coroutine.uc_stack.ss_size = memory.size();
    coroutine.uc_link = &back;
    makecontext(&coroutine, static_cast<void (*)()>([] { say("bind", try_once()); }), 0);
    swapcontext(&back, &coroutine);
}

void without_descriptors() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const rlimit limit{64, 64};
    setrlimit(RLIMIT_NOFILE, &limit);
    while (dup(fd) >= 0) {
    }
    say("bind", open_the_front_door(fd));
}

/// socket(AF_NETLINK) is EPERM, as in many a container.
void without_netlink() {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{std::size(program), program};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
    say("bind", try_once());
}

/// Children whose parent has another thread in malloc.
void in_children_of_a_busy_allocator() {
    std::thread([] {
        while (true) {
            delete[] new volatile char[200'000];
            delete[] new volatile char[100];
        }
    }).detach();
    int failed = 0;
    for (int round = 0; round < 40; ++round) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(20);
            _exit(try_once() == EADDRINUSE ? 0 : 1);
        }
        int status = -1;
        waitpid(child, &status, 0);
        failed += status == 0 ? 0 : 1;
    }
    std::printf("failed -> %d\n", failed);
    std::fflush(stdout);
    _exit(0);
}

struct Surrounding {
    const char* name;
    void (*enter)();
};

constexpr Surrounding surroundings[] = {
    {"in_a_thread", in_a_thread},
    {"with_a_corrupt_stack", with_a_corrupt_stack},
    {"on_a_coroutine", on_a_coroutine},
    {"without_descriptors", without_descriptors},
    {"without_netlink", without_netlink},
    {"in_children_of_a_busy_allocator", in_children_of_a_busy_allocator},
};

} // namespace

int main(int count, char** arguments) {
    for (const Surrounding& surrounding : surroundings) {
        if (count > 1 && std::strcmp(arguments[1], surrounding.name) == 0) {
            surrounding.enter();
            return 0;
        }
    }
    return 64;
}
