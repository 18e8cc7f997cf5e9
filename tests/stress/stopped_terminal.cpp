#include "stress/stopped_terminal.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "stress/worker.h"

namespace portguard::stress {
namespace {

using Clock = std::chrono::steady_clock;

/// Of the plan, and no Worker's. Each a key of its own in the memory of what was reported.
constexpr int first_taken_port = 19100;
constexpr unsigned taken_ports = 64;

int bound_to(int port) {
    const sockaddr_in address = loopback(port);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        return fd;
    }
    const int error = errno;
    ::close(fd);
    errno = error;
    return -1;
}

struct TerminalPair {
    int master = -1;
    int slave = -1;
};

TerminalPair open_stopped_terminal() {
    TerminalPair pair;
    if (::openpty(&pair.master, &pair.slave, nullptr, nullptr, nullptr) != 0 ||
        ::fcntl(pair.master, F_SETFL, O_NONBLOCK) != 0 || ::tcflow(pair.slave, TCOOFF) != 0) {
        fail("no terminal");
    }
    return pair;
}

/// What stands on the screen, and the keys.
void scroll(const TerminalPair& terminal, std::mt19937_64& random) {
    std::array<char, 65536> screen{};
    if (random() % 4 != 0) {
        while (::read(terminal.master, screen.data(), screen.size()) > 0) {
        }
    }
    ::tcflow(terminal.slave, random() % 3 == 0 ? TCOON : TCOOFF);
}

pid_t start_at(const TerminalPair& terminal, std::chrono::seconds duration, int count_pipe) {
    const pid_t child = ::fork();
    if (child != 0) {
        return child;
    }
    ::dup2(terminal.slave, STDERR_FILENO);
    ::dup2(count_pipe, STDOUT_FILENO);
    ::setenv("PORTGUARD_LOG", "stderr", 1);
    ::setenv("PORTGUARD_MAX_REPORTS", "1000", 1);
    const std::string seconds = std::to_string(duration.count());
    ::execl("/proc/self/exe", "portguard_stress", "--failing", seconds.c_str(), nullptr);
    _exit(127);
}

} // namespace

int fail_until(std::chrono::seconds duration) {
    for (unsigned index = 0; index < taken_ports; ++index) {
        const int holder = bound_to(first_taken_port + static_cast<int>(index));
        if (holder < 0 || ::listen(holder, 1) != 0) {
            return 1;
        }
    }
    std::atomic<std::uint64_t> failed{0};
    std::array<std::thread, 4> threads;
    const auto end = Clock::now() + duration;
    for (std::thread& thread : threads) {
        thread = std::thread([&failed, end] {
            while (Clock::now() < end) {
                const auto number = failed.fetch_add(1);
                const int fd = bound_to(first_taken_port + static_cast<int>(number % taken_ports));
                if (fd >= 0 || errno != EADDRINUSE) {
                    std::abort();
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    std::printf("%llu\n", static_cast<unsigned long long>(failed.load()));
    return 0;
}

std::uint64_t fail_at_terminal(std::chrono::seconds duration, std::uint64_t seed) {
    constexpr auto standstill = std::chrono::seconds(60);
    const TerminalPair terminal = open_stopped_terminal();
    std::array<int, 2> counts{};
    if (::pipe(counts.data()) != 0) {
        fail("no pipe");
    }
    const pid_t child = start_at(terminal, duration, counts[1]);
    ::close(counts[1]);
    std::mt19937_64 random(seed);
    const auto late = Clock::now() + duration + standstill;
    int status = 0;
    while (::waitpid(child, &status, WNOHANG) == 0) {
        if (Clock::now() > late) {
            fail("binds that fail hang at a stopped terminal");
        }
        scroll(terminal, random);
        ::poll(nullptr, 0, static_cast<int>(random() % 50));
    }
    std::array<char, 32> count{};
    const bool counted = ::read(counts[0], count.data(), count.size() - 1) > 0;
    for (const int fd : {terminal.master, terminal.slave, counts[0]}) {
        ::close(fd);
    }
    if (status != 0 || !counted) {
        fail("at a stopped terminal: status " + std::to_string(status));
    }
    return std::strtoull(count.data(), nullptr, 10);
}

} // namespace portguard::stress
