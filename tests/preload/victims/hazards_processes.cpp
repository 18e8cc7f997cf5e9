// Calls in children of every kind and in many threads.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include <asm/prctl.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "victims/hazard.h"

namespace victim {

int status_of(pid_t child) {
    int status = 0;
    for (int tries = 0; tries < 5000; ++tries) {
        if (::waitpid(child, &status, WNOHANG) == child) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        }
        ::poll(nullptr, 0, 1);
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
    return -1;
}

namespace {

/// What a child does: 0 where a failure is still told as one.
int fail_twice() {
    return try_bind(busy_port) == EADDRINUSE && try_bind(refused_port) == EACCES ? 0 : 1;
}

std::atomic<bool> stop{false};

void report_until_stopped() {
    while (!stop) {
        try_bind(busy_port);
    }
}

std::vector<std::thread> start_threads(int count, void (*body)()) {
    std::vector<std::thread> threads;
    threads.reserve(static_cast<std::size_t>(count));
    for (int index = 0; index < count; ++index) {
        threads.emplace_back(body);
    }
    return threads;
}

void join_all(std::vector<std::thread>& threads) {
    stop = true;
    for (std::thread& thread : threads) {
        thread.join();
    }
}

std::atomic<int> wrong_answers{0};

void use_every_call() {
    const int listener = open_tcp();
    const sockaddr_in any = loopback(0);
    wrong_answers += ::bind(listener, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 ? 1 : 0;
    wrong_answers += ::listen(listener, 16) != 0 ? 1 : 0;
    sockaddr_in where{};
    socklen_t length = sizeof where;
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&where), &length);
    for (int round = 0; round < 60; ++round) {
        const int client = open_tcp();
        wrong_answers += connect_errno(client, ntohs(where.sin_port)) != 0 ? 1 : 0;
        ::close(::accept(listener, nullptr, nullptr));
        ::close(client);
        wrong_answers += try_bind(refused_port) != EACCES ? 1 : 0;
        wrong_answers += round % 8 == 0 && try_bind(busy_port) != EADDRINUSE ? 1 : 0;
    }
    ::close(listener);
}

#if defined(__x86_64__)
alignas(16) char clone_stack[65536];
int clone_result[4];

int child_without_tls(void* /*unused*/) {
    ::syscall(SYS_arch_prctl, ARCH_SET_FS, 0);
    // No errno, no stdio, no libc of any kind from here on, but the calls themselves.
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = loopback(allowed_port);
    const int on = 1;
    clone_result[0] = fd >= 0 ? 1 : 0;
    clone_result[1] = ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    clone_result[2] = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    clone_result[3] = ::listen(fd, 16);
    for (;;) {
        asm volatile("syscall" ::"a"(SYS_exit), "D"(0) : "rcx", "r11", "memory");
    }
}
#endif

struct Span {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
};

/// The writable segment of the shim.
int find_shim(dl_phdr_info* object, std::size_t /*size*/, void* found) {
    if (std::strstr(object->dlpi_name, "libportguard.so") == nullptr) {
        return 0;
    }
    for (int index = 0; index < object->dlpi_phnum; ++index) {
        const auto& segment = object->dlpi_phdr[index];
        if (segment.p_type == PT_LOAD && (segment.p_flags & PF_W) != 0) {
            const std::uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
            *static_cast<Span*>(found) = {begin, begin + segment.p_memsz};
        }
    }
    return 1;
}

/// Kilobytes of the shim that are this process's own: present pages that are not the file's (pagemap, bits 63
/// and 61).
long private_kilobytes() {
    Span span;
    ::dl_iterate_phdr(find_shim, &span);
    const auto page_size = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const int map = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    long pages = 0;
    for (std::uintptr_t page = span.begin / page_size; page * page_size < span.end; ++page) {
        std::uint64_t entry = 0;
        const ssize_t count = ::pread(map, &entry, sizeof entry, static_cast<off_t>(page * sizeof entry));
        pages += count > 0 && (entry >> 63 & 1) != 0 && (entry >> 61 & 1) == 0 ? 1 : 0;
    }
    ::close(map);
    return pages * static_cast<long>(page_size) / 1024;
}

} // namespace

int fork_while_reporting() {
    occupy_busy_port();
    std::vector<std::thread> threads = start_threads(2, report_until_stopped);
    int failed = 0;
    for (int round = 0; round < 40 && failed == 0; ++round) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::_exit(fail_twice());
        }
        failed += status_of(child) != 0 ? 1 : 0;
    }
    join_all(threads);
    say_number("children that failed or hung", failed);
    return 0;
}

int vfork_child_closes() {
    occupy_busy_port();
    const int fd = open_tcp();
    say("bind before", bind_errno(fd, allowed_port));
    // NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork): the hazard itself
    const pid_t child = ::vfork();
    if (child == 0) {
        ::close(fd);
        ::_exit(try_bind(busy_port) == EADDRINUSE ? 0 : 1);
    }
    say_number("vfork child", status_of(child));
    say("listen after", ::listen(fd, 16) == 0 ? 0 : errno);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addclose(&actions, fd);
    char program[] = "/bin/true";
    char* arguments[] = {program, nullptr};
    pid_t spawned = -1;
    say("posix_spawn", ::posix_spawn(&spawned, program, &actions, nullptr, arguments, environ));
    ::posix_spawn_file_actions_destroy(&actions);
    say_number("spawned", status_of(spawned));
    say("connect after", connect_errno(open_tcp(), allowed_port));
    return 0;
}

int children_without_handlers() {
    occupy_busy_port();
    std::vector<std::thread> threads = start_threads(1, report_until_stopped);
    int failed = 0;
    for (int round = 0; round < 20 && failed == 0; ++round) {
        const bool raw = round % 2 == 0;
        const auto child = raw ? static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)) : ::_Fork();
        if (child == 0) {
            const int result = fail_twice();
            ::syscall(SYS_exit_group, result);
        }
        failed += status_of(child) != 0 ? 1 : 0;
    }
    join_all(threads);
    say_number("children that failed or hung", failed);
    return 0;
}

int clone_without_tls() {
#if defined(__x86_64__)
    try_bind(allowed_port); // the sysctls are read once, here
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD;
    const pid_t child = ::clone(child_without_tls, clone_stack + sizeof clone_stack, flags, nullptr);
    say_number("child", status_of(child));
    say_number("calls that failed",
               (clone_result[0] == 1 ? 0 : 1) - clone_result[1] - clone_result[2] - clone_result[3]);
#endif
    return 0;
}

int sixteen_threads() {
    occupy_busy_port();
    std::vector<std::thread> threads = start_threads(16, use_every_call);
    join_all(threads);
    say_number("wrong answers", wrong_answers);
    return 0;
}

int threads_call_during_exit() {
    occupy_busy_port();
    for (std::thread& thread : start_threads(8, report_until_stopped)) {
        thread.detach();
    }
    for (int round = 0; round < 20; ++round) {
        try_bind(refused_port);
    }
    return 7;
}

int measure_dirty_pages() {
    for (int round = 0; round < 100; ++round) {
        open_tcp();
    }
    open_listener();
    connect_errno(open_tcp(), allowed_port);
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(try_bind(refused_port) == EACCES ? 0 : 1);
    }
    say_number("child", status_of(child));
    say_number("kilobytes", private_kilobytes());
    return 0;
}

} // namespace victim
