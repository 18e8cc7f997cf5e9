// diagnosis_cost [SOCKETS PROCESSES]: what a report costs on a host with so many of them (1,000 and 100), the
// module as the preloaded object calls it. Prints the first's milliseconds on the clock and on the CPU, and
// the later ones' medians.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
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
constexpr int ports_an_address = 20000;
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
