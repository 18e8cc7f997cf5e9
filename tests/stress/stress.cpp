// Many threads of random calls on sockets, with signals in between, for a while: run by tests/stress/run
// under the guard.
//
// usage: stress SECONDS SEED [THREADS]
//
// It ends with SIGABRT at the first call that returns anything but what the plan and the kernel's rules say,
// where a thread has stood still for a minute, or where descriptors, memory or mappings have grown.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <malloc.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "stress/race.h"
#include "stress/stopped_terminal.h"
#include "stress/worker.h"

// A sanitizer's run-time is the allocator then.
extern "C" __attribute__((weak)) std::size_t __sanitizer_get_current_allocated_bytes();

namespace portguard::stress {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto standstill = std::chrono::seconds(60);
// Arenas of new threads, a fold's memory: what grows with the steps is far beyond it after a second.
constexpr std::size_t memory_slack = std::size_t{1} << 20;
// What an allocator maps as it likes; a report's stack that stayed would be two a report.
constexpr std::size_t mappings_slack = 500;

std::size_t allocated_bytes() {
    return __sanitizer_get_current_allocated_bytes != nullptr ? __sanitizer_get_current_allocated_bytes()
                                                              : mallinfo2().uordblks;
}

int open_descriptors() {
    int count = 0;
    for (int fd = 0; fd < 4096; ++fd) {
        count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return count;
}

std::size_t mappings() {
    std::ifstream maps("/proc/self/maps");
    return static_cast<std::size_t>(
        std::count(std::istreambuf_iterator<char>(maps), std::istreambuf_iterator<char>(), '\n'));
}

/// What a handler may do whatever it interrupted: calls that succeed.
void handle_signal(int /*signal*/) {
    const int saved_errno = errno;
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::close(fd);
    errno = saved_errno;
}

void start_signals() {
    struct sigaction action {};
    action.sa_handler = handle_signal;
    action.sa_flags = SA_RESTART;
    const itimerval often{{0, 2000}, {0, 2000}};
    if (sigaction(SIGALRM, &action, nullptr) != 0 || setitimer(ITIMER_REAL, &often, nullptr) != 0) {
        fail("no signals");
    }
}

void stop_signals() {
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
}

std::uint64_t total_steps(const std::vector<std::unique_ptr<Worker>>& workers) {
    std::uint64_t total = 0;
    for (const auto& worker : workers) {
        total += worker->steps();
    }
    return total;
}

/// Runs the workers until `end`; each closes what it has at the end.
void run_until(Clock::time_point end, std::vector<std::unique_ptr<Worker>>& workers) {
    std::atomic<unsigned> running{static_cast<unsigned>(workers.size())};
    std::vector<std::thread> threads;
    for (const auto& worker : workers) {
        threads.emplace_back([&running, end, &worker = *worker] {
            while (Clock::now() < end) {
                worker.step();
            }
            worker.close_all();
            --running;
        });
    }
    std::vector<std::uint64_t> seen(workers.size());
    auto last_look = Clock::now();
    while (running != 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        if (Clock::now() - last_look < standstill) {
            continue;
        }
        last_look = Clock::now();
        for (std::size_t index = 0; index < workers.size(); ++index) {
            const std::uint64_t now = workers[index]->steps();
            if (now == seen[index] && Clock::now() < end) {
                fail("thread " + std::to_string(index) + " stands still at step " + std::to_string(now));
            }
            seen[index] = now;
        }
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

int run(std::chrono::seconds duration, std::uint64_t seed, unsigned threads) {
    std::vector<std::unique_ptr<Worker>> workers;
    for (unsigned number = 0; number < threads; ++number) {
        workers.push_back(std::make_unique<Worker>(number, seed));
    }
    // A tenth of the time is for two processes, another for a terminal.
    const std::uint64_t failed = fail_at_terminal(duration / 10, seed);
    const std::uint64_t listened = race(duration / 10, seed);
    if (listened == 0) {
        fail("no racing process ever listened");
    }
    const int descriptors = open_descriptors();
    start_signals();
    const auto begin = Clock::now();
    // What the first quarter has left there is what there is to have.
    run_until(begin + duration / 4, workers);
    const std::size_t early_memory = allocated_bytes();
    const std::size_t early_mappings = mappings();
    run_until(begin + duration, workers);
    stop_signals();
    const std::size_t memory = allocated_bytes();
    const std::size_t late_mappings = mappings();
    const int left_open = open_descriptors() - descriptors;
    std::uint64_t met = 0;
    std::uint64_t cured = 0;
    for (const auto& worker : workers) {
        met += worker->met_the_dead();
        cured += worker->cured();
    }
    std::printf("%llu binds failed at a stopped terminal\n", static_cast<unsigned long long>(failed));
    std::printf("two processes listened %llu times by turns\n", static_cast<unsigned long long>(listened));
    std::printf("%llu steps; %llu binds met the dead, %llu of them went through; descriptors +%d; memory %zu "
                "bytes in "
                "%zu mappings, then %zu in %zu\n",
                static_cast<unsigned long long>(total_steps(workers)), static_cast<unsigned long long>(met),
                static_cast<unsigned long long>(cured), left_open, early_memory, early_mappings, memory,
                late_mappings);
    if (left_open > 0 || memory > early_memory + memory_slack ||
        late_mappings > early_mappings + mappings_slack) {
        fail("descriptors or memory have leaked");
    }
    return 0;
}

} // namespace
} // namespace portguard::stress

int main(int count, char** arguments) {
    if (count == 3 && std::string(arguments[1]) == "--failing") {
        return portguard::stress::fail_until(std::chrono::seconds(std::strtol(arguments[2], nullptr, 10)));
    }
    if (count < 3) {
        std::fprintf(stderr, "usage: stress SECONDS SEED [THREADS]\n");
        return 2;
    }
    const std::chrono::seconds duration(std::strtol(arguments[1], nullptr, 10));
    const std::uint64_t seed = std::strtoull(arguments[2], nullptr, 10);
    const auto threads = count > 3 ? static_cast<unsigned>(std::strtoul(arguments[3], nullptr, 10)) : 16U;
    return portguard::stress::run(duration, seed, threads);
}
