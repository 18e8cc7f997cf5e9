// Two processes that want to listen on the same ports, again and again, over the TIME_WAIT sockets that each
// leaves, with and without SO_REUSEADDR of their own; each forks now and then, at whatever moment of the
// other's cure that is.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress/race.h"
#include "stress/worker.h"

namespace portguard::stress {
namespace {

using Clock = std::chrono::steady_clock;

/// Of the plan, and no Worker's. On the first nobody sets the flag.
constexpr int first_race_port = 19000;
constexpr int race_ports = 3;

/// In memory that both processes share.
struct Listeners {
    std::atomic<int> on[race_ports];
    std::atomic<std::uint64_t> listened;
};

/// A connection whose server closes first leaves its port in TIME_WAIT.
void serve_one(int listener, int port) {
    const sockaddr_in address = loopback(port);
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        ::close(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    }
    ::close(client);
}

void fork_and_wait() {
    const pid_t child = ::fork();
    if (child == 0) {
        _exit(0);
    }
    ::waitpid(child, nullptr, 0);
}

void race_once(Listeners& listeners, std::mt19937_64& random) {
    const auto index = random() % race_ports;
    const int port = first_race_port + static_cast<int>(index);
    const sockaddr_in address = loopback(port);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (index != 0 && random() % 2 == 0) {
        const int on = 1;
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (bound && ::listen(fd, 8) == 0) {
        if (listeners.on[index].fetch_add(1) != 0) {
            fail("two listen on port " + std::to_string(port));
        }
        ++listeners.listened;
        serve_one(fd, port);
        listeners.on[index].fetch_sub(1);
    } else if (bound && index == 0) {
        fail("a bind without SO_REUSEADDR was followed by a listen that failed: " +
             std::string(strerrorname_np(errno)));
    }
    ::close(fd);
    if (random() % 16 == 0) {
        fork_and_wait();
    }
}

[[noreturn]] void race_until(Clock::time_point end, std::uint64_t seed, Listeners& listeners) {
    std::mt19937_64 random(seed);
    while (Clock::now() < end) {
        race_once(listeners, random);
    }
    _exit(0);
}

} // namespace

std::uint64_t race(std::chrono::seconds duration, std::uint64_t seed) {
    void* const memory =
        ::mmap(nullptr, sizeof(Listeners), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        fail("no shared memory");
    }
    auto* const listeners = new (memory) Listeners{};
    const auto end = Clock::now() + duration;
    constexpr int processes = 2;
    for (std::uint64_t number = 0; number < processes; ++number) {
        if (::fork() == 0) {
            race_until(end, seed + number, *listeners);
        }
    }
    for (int ended = 0; ended < processes; ++ended) {
        int status = 0;
        if (::wait(&status) < 0 || status != 0) {
            fail("a racing process ended with status " + std::to_string(status));
        }
    }
    return listeners->listened;
}

} // namespace portguard::stress
