// Failed calls in programs that would notice the child which handles them, or what it leaves.
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "victims/hazard.h"

namespace victim {
namespace {

int get_flag(int fd) {
    int value = -1;
    socklen_t length = sizeof value;
    ::getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, &length);
    return value;
}

/// A port that only a TIME_WAIT of a server with the flag holds.
void leave_time_wait(std::uint16_t port) {
    const int listener = open_tcp();
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bind_errno(listener, port);
    ::listen(listener, 1);
    const int client = open_tcp();
    connect_errno(client, port);
    const int server = ::accept(listener, nullptr, nullptr);
    ::close(server);
    char byte = 0;
    while (::read(client, &byte, 1) > 0) {
    }
    ::close(client);
    ::close(listener);
}

std::string text_of(const char* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string open_descriptors() {
    std::string open;
    for (int fd = 0; fd < 256; ++fd) {
        open += ::fcntl(fd, F_GETFD) >= 0 ? '1' : '0';
    }
    return open;
}

std::atomic<int> signals_seen{0};
void count_signal(int /*signal*/) {
    signals_seen.fetch_add(1);
}

void set_handler(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigaction(signal, &action, nullptr);
}

int trapped_calls = 0;
void answer_with_eperm(int /*signal*/, siginfo_t* /*info*/, void* context) {
    ++trapped_calls;
    static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RAX] = -EPERM;
}

/// openat(2) raises SIGSYS, as browsers' sandboxes have it.
bool trap_openat() {
    std::array<sock_filter, 4> program{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

std::atomic<bool> stop{false};

int visit_nothing(dl_phdr_info* /*info*/, std::size_t /*size*/, void* /*data*/) {
    return 0;
}

std::atomic<int> failures_in_handler{0};
void bind_in_handler(int /*signal*/) {
    failures_in_handler += try_bind(busy_port) == EADDRINUSE ? 1 : 0;
}

} // namespace

int compare_before_and_after() {
    occupy_busy_port();
    // A time's worth of everything that libc allocates on its own.
    text_of("/proc/self/maps");
    const std::string descriptors = open_descriptors();
    const std::string maps = text_of("/proc/self/maps");
    void* const break_before = ::sbrk(0);
    const int error = try_bind(busy_port);
    const bool same_break = ::sbrk(0) == break_before;
    const std::string maps_after = text_of("/proc/self/maps");
    say("bind in use", error);
    say_number("same maps", maps == maps_after ? 1 : 0);
    say_number("same heap", same_break ? 1 : 0);
    say_number("same descriptors", descriptors == open_descriptors() ? 1 : 0);
    return 0;
}

int wait_for_any_child() {
    occupy_busy_port();
    for (void (*const handler)(int) : {&count_signal, SIG_IGN, SIG_DFL}) {
        set_handler(SIGCHLD, handler);
        std::thread waiter([] {
            // Another thread waits for children all the time, as an init or a supervisor does.
            while (!stop) {
                if (::waitpid(-1, nullptr, WNOHANG) > 0) {
                    say("a child was seen", 0);
                }
            }
        });
        for (int round = 0; round < 20; ++round) {
            if (try_bind(busy_port) != EADDRINUSE) {
                say("another errno", 0);
            }
        }
        stop = true;
        waiter.join();
        stop = false;
    }
    say_number("SIGCHLD", signals_seen);
    return 0;
}

int bind_where_openat_is_trapped() {
    occupy_busy_port();
    struct sigaction action {};
    action.sa_sigaction = answer_with_eperm;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    ::sigaction(SIGSYS, &action, nullptr);
    if (!trap_openat()) {
        return 2;
    }
    ::syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
    say_number("trapped by the program", trapped_calls);
    say("bind in use", try_bind(busy_port));
    say_number("trapped after the bind", trapped_calls);
    return 0;
}

int fork_beside_a_walk_of_objects() {
    occupy_busy_port();
    std::thread walker([] {
        while (!stop) {
            ::dl_iterate_phdr(visit_nothing, nullptr);
        }
    });
    int wrong = 0;
    for (int round = 0; round < 500; ++round) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::_exit(try_bind(busy_port) == EADDRINUSE ? 0 : 1);
        }
        wrong += status_of(child) != 0 ? 1 : 0;
    }
    stop = true;
    walker.join();
    say_number("children that hung or failed", wrong);
    return 0;
}

int bind_without_standard_descriptors() {
    ::fcntl(occupy_busy_port(), F_DUPFD, 60);
    const int out = ::fcntl(STDOUT_FILENO, F_DUPFD, 50);
    const int socket = ::fcntl(open_tcp(), F_DUPFD, 20);
    for (int fd = 0; fd < 20; ++fd) {
        ::close(fd);
    }
    const int error = bind_errno(socket, busy_port);
    const int numbers[] = {::open("/dev/null", O_RDWR), ::dup(0), ::dup(0)};
    ::dup2(out, STDOUT_FILENO);
    say("bind in use", error);
    say_number("first", numbers[0]);
    say_number("third", numbers[2]);
    return 0;
}

int bind_in_a_thread_with_descriptors_of_its_own() {
    leave_time_wait(allowed_port);
    pthread_barrier_t barrier;
    ::pthread_barrier_init(&barrier, nullptr, 2);
    std::thread other([&barrier] {
        ::unshare(CLONE_FILES);
        ::pthread_barrier_wait(&barrier);
        // The numbers of the other table are other sockets here.
        std::array<int, 8> udp{};
        for (int& fd : udp) {
            fd = ::socket(AF_INET, SOCK_DGRAM, 0);
        }
        ::pthread_barrier_wait(&barrier);
        ::pthread_barrier_wait(&barrier);
    });
    ::pthread_barrier_wait(&barrier);
    const int socket = open_tcp();
    ::pthread_barrier_wait(&barrier);
    say("bind over TIME_WAIT", bind_errno(socket, allowed_port));
    say_number("flag", get_flag(socket));
    ::pthread_barrier_wait(&barrier);
    other.join();
    return 0;
}

int bind_without_a_free_descriptor() {
    leave_time_wait(allowed_port);
    occupy_busy_port();
    const int over_time_wait = open_tcp();
    const int over_holder = open_tcp();
    const rlimit limit{64, 64};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    while (::dup(0) >= 0) {
    }
    say("bind in use", bind_errno(over_holder, busy_port));
    say("bind over TIME_WAIT", bind_errno(over_time_wait, allowed_port));
    say("listen", ::listen(over_time_wait, 1) == 0 ? 0 : errno);
    return 0;
}

int report_from_a_handler_that_interrupts_malloc() {
    occupy_busy_port();
    set_handler(SIGALRM, bind_in_handler);
    std::vector<void*> blocks(512);
    std::size_t round = 0;
    // One signal at a time: a handler takes longer than any interval that interrupts malloc often.
    for (int wanted = 1; wanted <= 20; ++wanted) {
        const itimerval once{{}, {0, 200 + wanted * 37}};
        ::setitimer(ITIMER_REAL, &once, nullptr);
        for (; failures_in_handler < wanted; ++round) {
            void*& block = blocks[round % blocks.size()];
            std::free(block);
            block = std::malloc(16 + round % 4096);
        }
    }
    say_number("failures in the handler", failures_in_handler);
    return 0;
}

int fork_during_cures() {
    int kept = 0;
    for (std::uint16_t round = 0; round < 30; ++round) {
        const auto port = static_cast<std::uint16_t>(allowed_port + round);
        leave_time_wait(port);
        const int socket = open_tcp();
        std::thread restart([socket, port] { bind_errno(socket, port); });
        ::usleep(static_cast<useconds_t>(::rand() % 1500));
        const pid_t worker = ::fork();
        if (worker == 0) {
            ::close(socket);
            ::pause();
        }
        restart.join();
        kept += text_of("/proc/net/unix").find("portguard-cure-" + std::to_string(port)) != std::string::npos
                    ? 1
                    : 0;
        ::kill(worker, SIGKILL);
        ::waitpid(worker, nullptr, 0);
        ::close(socket);
    }
    say_number("locks kept", kept);
    return 0;
}

} // namespace victim
