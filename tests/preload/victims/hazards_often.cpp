// Many failed calls, from many threads, beside what kills their children, or with little memory.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "victims/hazard.h"

namespace victim {

int report_with_little_memory() {
    occupy_busy_port();
    const rlimit limit{8 << 20, 8 << 20};
    say("setrlimit", ::setrlimit(RLIMIT_AS, &limit) == 0 ? 0 : errno);
    say("bind in use", try_bind(busy_port));
    return 0;
}

int fail_in_200_threads() {
    occupy_busy_port();
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int index = 0; index < 200; ++index) {
        threads.emplace_back([&wrong] {
            for (int round = 0; round < 5; ++round) {
                wrong += try_bind(busy_port) != EADDRINUSE ? 1 : 0;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    say_number("wrong answers", wrong);
    return 0;
}

int kill_children_in_reports() {
    occupy_busy_port();
    const pid_t self = ::getpid();
    for (int round = 0; round < 100; ++round) {
        const pid_t killer = ::fork();
        if (killer == 0) {
            ::poll(nullptr, 0, round % 4);
            std::ifstream children("/proc/" + std::to_string(self) + "/task/" + std::to_string(self) +
                                   "/children");
            for (pid_t child = 0; children >> child;) {
                if (child != ::getpid()) {
                    ::kill(child, SIGKILL);
                }
            }
            ::_exit(0);
        }
        if (try_bind(busy_port) != EADDRINUSE) {
            say("another errno", 0);
        }
        ::waitpid(killer, nullptr, 0);
    }
    say("bind in use", try_bind(busy_port));
    return 0;
}

int scan_over_taken_ports() {
    std::vector<int> held;
    constexpr std::uint16_t taken = 200;
    for (std::uint16_t index = 0; index < taken; ++index) {
        held.push_back(open_tcp());
        bind_errno(held.back(), static_cast<std::uint16_t>(allowed_port + index));
        ::listen(held.back(), 1);
    }
    int refused = 0;
    for (int round = 0; round < 5; ++round) {
        for (std::uint16_t index = 0; index < taken; ++index) {
            refused += try_bind(static_cast<std::uint16_t>(allowed_port + index)) == EADDRINUSE ? 1 : 0;
        }
    }
    say_number("refused", refused);
    return 0;
}

int fail_at_forty_addresses() {
    std::vector<int> held;
    int refused = 0;
    for (std::uint16_t index = 0; index < 40; ++index) {
        const auto port = static_cast<std::uint16_t>(allowed_port + index);
        held.push_back(open_tcp());
        bind_errno(held.back(), port);
        ::listen(held.back(), 1);
        refused += try_bind(port) == EADDRINUSE ? 1 : 0;
    }
    say_number("refused", refused);
    return 0;
}

} // namespace victim
