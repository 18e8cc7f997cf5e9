// diagnosis_cost [SOCKETS PROCESSES]: what a report costs on a host with so many of them (1,000 and 100): the
// snapshot, and portguard-explain from fork to its end. Prints the first's milliseconds on the clock and on
// the CPU, and the later ones' medians.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "support/child.h"
#include "support/failed_call.h"
#include "support/private_net.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t port = 10000;
constexpr int ports_an_address = 20000;
constexpr int rounds = 21;

double milliseconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
}

/// Of this process, and of the helpers that have ended. Not inlined beside getcontext(3), which GCC takes for
/// one that may return twice.
[[gnu::noinline]] double cpu_milliseconds() {
    double sum = 0;
    for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
        rusage used{};
        getrusage(who, &used);
        sum += milliseconds(used.ru_utime) + milliseconds(used.ru_stime);
    }
    return sum;
}

double clock_milliseconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

struct Cost {
    double clock = 0;
    double cpu = 0;
};

Cost measure(const Config& config, const Fd& asking, std::uint16_t asked_port) {
    FailedCall call(asking, wildcard(asked_port));
    call.snapshot.config = config;
    const Cost start{clock_milliseconds(), cpu_milliseconds()};
    ucontext_t context;
    getcontext(&context);
    explain(call, context, PORTGUARD_EXPLAIN);
    return {clock_milliseconds() - start.clock, cpu_milliseconds() - start.cpu};
}

/// Child `number`'s share of the sockets, each on a port of its own; beyond 20,000 the address is another
/// one.
void hold(int number, int count) {
    static std::vector<Fd> kept;
    for (int index = number * count; index < (number + 1) * count; ++index) {
        const std::string host = "127.0.0." + std::to_string(1 + index / ports_an_address);
        const auto own_port = static_cast<std::uint16_t>(20000 + index % ports_an_address);
        kept.push_back(listener(address(host.c_str(), own_port)));
    }
}

void run(int sockets, int processes) {
    const PrivateNet net;
    if (!net.unavailable().empty()) {
        std::puts(net.unavailable().c_str());
        return;
    }
    // The parent's sockets are opened after, or all would inherit them.
    std::vector<std::unique_ptr<ParkedChild>> children;
    for (int child = 0; child < processes; ++child) {
        children.push_back(std::make_unique<ParkedChild>([=] { hold(child, sockets / processes); }));
    }
    const ParkedChild holder([] { static Fd kept = listener(loopback(port)); });
    const Fd asking = tcp_socket();
    const Config config;
    const Cost first = measure(config, asking, port);
    std::vector<double> clock;
    std::vector<double> cpu;
    for (int round = 0; round < rounds; ++round) {
        const Cost later = measure(config, asking, static_cast<std::uint16_t>(20000 + round));
        clock.push_back(later.clock);
        cpu.push_back(later.cpu);
    }
    std::nth_element(clock.begin(), clock.begin() + rounds / 2, clock.end());
    std::nth_element(cpu.begin(), cpu.begin() + rounds / 2, cpu.end());
    std::printf("%.2f\t%.2f\t%.2f\t%.2f\n", first.clock, first.cpu, clock[rounds / 2], cpu[rounds / 2]);
}

} // namespace
} // namespace portguard::test

int main(int argc, char** argv) {
    const int sockets = argc == 3 ? std::atoi(argv[1]) : 1000;
    const int processes = argc == 3 ? std::atoi(argv[2]) : 100;
    if (sockets < processes || processes <= 0) {
        std::fputs("usage: diagnosis_cost [SOCKETS PROCESSES]\n", stderr);
        return 2;
    }
    portguard::test::run(sockets, processes);
    return 0;
}
