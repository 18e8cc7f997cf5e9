// diagnosis_cost [SOCKETS PROCESSES]: what a report costs the program whose bind fails, with the guard in it,
// on a host with so many listeners (1,000) in so many processes (100) that nobody has looked at before.
// Prints the first's milliseconds on the clock and on the CPU, and the later ones' medians.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "support/child.h"
#include "support/private_net.h"
#include "support/process.h"
#include "support/sockets.h"
#include "support/temporary_folder.h"

namespace portguard::test {
namespace {

constexpr int ports_an_address = 20000;
constexpr int rounds = 22;

double milliseconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
}

/// Of this process, and of the helpers that have ended.
double cpu_milliseconds() {
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

struct Population {
    int sockets = 1000;
    int processes = 100;

    [[nodiscard]] int each() const { return sockets / processes; }
};

/// Each on a port of its own; beyond 20,000 the address is another one.
Address address_of(int index) {
    const std::string host = "127.0.0." + std::to_string(1 + index / ports_an_address);
    return address(host.c_str(), static_cast<std::uint16_t>(20000 + index % ports_an_address));
}

/// Processes all over the list, and another of its descriptors each time.
Address asked_in(int round, const Population& population) {
    const int process = (round * 37 + 61) % population.processes;
    return address_of(process * population.each() + round % population.each());
}

/// In the program with the guard.
int fail_to_bind(const Population& population) {
    std::vector<double> clock;
    std::vector<double> cpu;
    for (int round = 0; round < rounds; ++round) {
        const Address asked = asked_in(round, population);
        const Fd socket = tcp_socket();
        const double clock_before = clock_milliseconds();
        const double cpu_before = cpu_milliseconds();
        const int error = bind_to(socket, asked).error;
        cpu.push_back(cpu_milliseconds() - cpu_before);
        clock.push_back(clock_milliseconds() - clock_before);
        if (error != EADDRINUSE) {
            std::fprintf(stderr, "diagnosis_cost: a bind that was to fail said %d\n", error);
            return 1;
        }
    }
    const auto median_of_later = [](std::vector<double>& values) {
        const auto middle = values.begin() + 1 + (rounds - 1) / 2;
        std::nth_element(values.begin() + 1, middle, values.end());
        return *middle;
    };
    const double first_clock = clock.front();
    const double first_cpu = cpu.front();
    std::printf("%.2f\t%.2f\t%.2f\t%.2f\n", first_clock, first_cpu, median_of_later(clock),
                median_of_later(cpu));
    return 0;
}

int run(const char* self, const Population& population) {
    const PrivateNet net;
    if (!net.unavailable().empty()) {
        std::puts(net.unavailable().c_str());
        return 77;
    }
    std::vector<std::unique_ptr<ParkedChild>> children;
    for (int child = 0; child < population.processes; ++child) {
        children.push_back(std::make_unique<ParkedChild>([&population, child] {
            static std::vector<Fd> kept;
            for (int index = child * population.each(); index < (child + 1) * population.each(); ++index) {
                kept.push_back(listener(address_of(index)));
            }
        }));
    }
    const TemporaryFolder folder;
    const std::string log = folder.file("log");
    const Finished finished = run_process(
        {.argv = {self, "--fail", std::to_string(population.sockets), std::to_string(population.processes)},
         .environment = {"LD_PRELOAD=" PORTGUARD_SHIM, "PORTGUARD_CONFIG=/dev/null",
                         "PORTGUARD_LOG=file:" + log, "PORTGUARD_FORMAT=text",
                         "PORTGUARD_MAX_REPORTS=1000"}});
    std::ifstream reports(log);
    int told = 0;
    for (std::string line; std::getline(reports, line);) {
        told += line.starts_with("portguard: ") && line.find("held by") != std::string::npos ? 1 : 0;
    }
    if (!finished.exited_with(0) || told != rounds) {
        std::fprintf(stderr, "diagnosis_cost: %d of %d reports name the holder\n%s", told, rounds,
                     finished.err.c_str());
        return 1;
    }
    std::fputs(finished.out.c_str(), stdout);
    return 0;
}

} // namespace
} // namespace portguard::test

int main(int argc, char** argv) {
    using namespace portguard::test;
    const bool fails = argc == 4 && std::string_view(argv[1]) == "--fail";
    Population population;
    if (fails || argc == 3) {
        population = {std::atoi(argv[argc - 2]), std::atoi(argv[argc - 1])};
    }
    if ((!fails && argc != 1 && argc != 3) || population.processes <= 0 ||
        population.sockets < population.processes) {
        std::fputs("usage: diagnosis_cost [SOCKETS PROCESSES]\n", stderr);
        return 2;
    }
    return fails ? fail_to_bind(population) : run(argv[0], population);
}
