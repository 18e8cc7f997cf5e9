// What a report costs on a busy host (design 5: first ≤ 15 ms, later ≤ 5 ms): 1,000 sockets, 100 processes,
// the module as the preloaded object calls it. Prints both, as time on the clock and as time on the CPU.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <vector>

#include <dlfcn.h>
#include <ucontext.h>

#include "core/seam.h"
#include "support/child.h"
#include "support/private_net.h"
#include "support/sockets.h"

namespace portguard::test {
namespace {

constexpr std::uint16_t port = 10000;
constexpr int processes = 100;
constexpr int sockets = 1000;
constexpr int rounds = 21;

int real_socket(int domain, int type, int protocol) noexcept {
    return socket(domain, type, protocol);
}

double milliseconds(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

struct Cost {
    double clock = 0;
    double cpu = 0;
};

/// One question and one report, as cure-on-demand makes them when it cannot help. The module is loaded by the
/// first.
Cost measure(const Config& config, const Fd& asking, std::uint16_t asked_port) {
    const Cost start{milliseconds(CLOCK_MONOTONIC), milliseconds(CLOCK_THREAD_CPUTIME_ID)};
    void* const module = dlopen(PORTGUARD_MODULE, RTLD_NOW | RTLD_LOCAL);
    const auto diagnose = reinterpret_cast<SeamFunction>(dlsym(module, seam_function));
    const Address address = wildcard(asked_port);
    ucontext_t context;
    getcontext(&context);
    SeamRequest request;
    request.facts = SocketFacts::of(Protocol::tcp);
    request.fd = asking.get();
    request.error = EADDRINUSE;
    request.address = address.get();
    request.length = address.length;
    request.config = &config;
    request.program = "bench";
    request.context = &context;
    request.real = {real_socket, close};
    request.emit = [](const char*, std::size_t) {};
    for (const Phase phase : {Phase::ask, Phase::report}) {
        request.phase = phase;
        diagnose(&request);
    }
    return {milliseconds(CLOCK_MONOTONIC) - start.clock, milliseconds(CLOCK_THREAD_CPUTIME_ID) - start.cpu};
}

void run() {
    const PrivateNet net;
    if (!net.unavailable().empty()) {
        std::puts(net.unavailable().c_str());
        return;
    }
    // Each child holds a tenth of its share; the parent's sockets are opened after, or all would inherit
    // them.
    std::vector<std::unique_ptr<ParkedChild>> children;
    for (int child = 0; child < processes; ++child) {
        children.push_back(std::make_unique<ParkedChild>([child] {
            static std::vector<Fd> kept;
            for (int index = 0; index < sockets / processes; ++index) {
                const int own_port = 20000 + child * (sockets / processes) + index;
                kept.push_back(listener(loopback(static_cast<std::uint16_t>(own_port))));
            }
        }));
    }
    const ParkedChild holder([] { static Fd kept = listener(loopback(port)); });
    const Fd asking = tcp_socket();
    Config config;
    config.max_reports = 1000;
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
    std::printf("first report %.2f ms (%.2f ms of CPU), later %.2f ms (%.2f), median of %d\n", first.clock,
                first.cpu, clock[rounds / 2], cpu[rounds / 2], rounds);
}

} // namespace
} // namespace portguard::test

int main() {
    portguard::test::run();
}
