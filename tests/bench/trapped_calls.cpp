// trapped_calls COUNT: what the calls cost that a supervisor answers, and one that it does not see; a line
// each of a name, and of microseconds a call, or thousands a second of threads. Of ten rounds the best.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int rounds = 10;
/// One after the other: of one port, one of 40 runs was told EADDRINUSE by the kernel alone.
constexpr unsigned first_port = 5000;
constexpr unsigned ports = 1000;

double microseconds_since(Clock::time_point begin) {
    return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

int open_socket() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        std::perror("socket");
        std::exit(1);
    }
    return fd;
}

/// Microseconds of `measured` alone, which is given a fresh socket each time.
void print_of_socket(const char* name, long count, const std::function<void(int)>& before,
                     const std::function<int(int)>& measured) {
    double best = std::numeric_limits<double>::max();
    for (int round = 0; round < rounds; ++round) {
        double spent = 0;
        for (long left = count; left > 0; --left) {
            const int fd = open_socket();
            before(fd);
            const auto begin = Clock::now();
            if (measured(fd) != 0) {
                std::perror(name);
                std::exit(1);
            }
            spent += microseconds_since(begin);
            close(fd);
        }
        best = std::min(best, spent / static_cast<double>(count));
    }
    std::printf("%s\t%.4f\n", name, best);
}

int bind_in_plan(int fd) {
    static unsigned turn = 0;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(first_port + turn++ % ports));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

void print_repeated(const char* name, long count, const std::function<void()>& call) {
    double best = std::numeric_limits<double>::max();
    for (int round = 0; round < rounds; ++round) {
        const auto begin = Clock::now();
        for (long left = count; left > 0; --left) {
            call();
        }
        best = std::min(best, microseconds_since(begin) / static_cast<double>(count));
    }
    std::printf("%s\t%.4f\n", name, best);
}

void print_of_threads(unsigned threads, long count) {
    double best = 0;
    for (int round = 0; round < 3; ++round) {
        std::atomic<long> left{count};
        std::vector<std::thread> all;
        const auto begin = Clock::now();
        for (unsigned index = 0; index < threads; ++index) {
            all.emplace_back([&left] {
                while (left.fetch_sub(1, std::memory_order_relaxed) > 0) {
                    close(open_socket());
                }
            });
        }
        for (std::thread& thread : all) {
            thread.join();
        }
        best = std::max(best, static_cast<double>(count) * 1000 / microseconds_since(begin));
    }
    std::printf("on %u thread%s\t%.2f\n", threads, threads == 1 ? "" : "s", best);
}

} // namespace

int main(int argc, char** argv) {
    const long count = argc == 2 ? std::strtol(argv[1], nullptr, 10) : 0;
    if (count <= 0) {
        std::fputs("usage: trapped_calls COUNT\n", stderr);
        return 2;
    }
    print_repeated("socket and close", count, [] { close(open_socket()); });
    print_of_socket(
        "bind", count, [](int) {}, bind_in_plan);
    print_of_socket("listen", count, bind_in_plan, [](int fd) { return listen(fd, 5); });
    print_repeated("getppid", 100 * count, [] { syscall(SYS_getppid); });
    for (const unsigned threads : {1U, 2U, 8U, 64U}) {
        print_of_threads(threads, 10 * count);
    }
    return 0;
}
