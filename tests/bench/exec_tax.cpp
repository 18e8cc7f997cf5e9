// exec_tax ROUNDS -- [VARIABLE=VALUE...] [COMMAND...] [-- ...]: time of posix_spawn + exec + exit of
// /bin/true under each environment and behind each command, in turns, beside the same without any. Prints a
// line for each: median and quartiles of the time added, and the median time without, in microseconds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>

namespace {

using Microseconds = std::chrono::duration<double, std::micro>;

char program[] = "/bin/true";

struct Variant {
    std::vector<char*> environment{nullptr};
    std::vector<char*> command{program, nullptr};
};

double time_one(const Variant& variant) {
    const auto start = std::chrono::steady_clock::now();
    pid_t child = 0;
    int status = 0;
    if (posix_spawn(&child, variant.command[0], nullptr, nullptr, variant.command.data(),
                    variant.environment.data()) != 0 ||
        waitpid(child, &status, 0) != child || status != 0) {
        std::perror("exec_tax");
        std::exit(1);
    }
    return Microseconds(std::chrono::steady_clock::now() - start).count();
}

double quantile(std::vector<double>& values, double share) {
    const auto place =
        values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

/// What stands between the `--`.
std::vector<Variant> read_variants(int argc, char** argv) {
    std::vector<Variant> variants;
    for (int index = 2; index < argc; ++index) {
        if (std::strcmp(argv[index], "--") == 0) {
            variants.emplace_back();
            continue;
        }
        auto& [environment, command] = variants.back();
        // A command's own arguments may hold a '='.
        const bool assigns = command.size() == 2 && std::strchr(argv[index], '=') != nullptr;
        auto& list = assigns ? environment : command;
        list.insert(list.end() - (assigns ? 1 : 2), argv[index]);
    }
    return variants;
}

} // namespace

int main(int argc, char** argv) {
    const long rounds = argc > 2 ? std::strtol(argv[1], nullptr, 10) : 0;
    if (rounds <= 0 || std::strcmp(argv[2], "--") != 0) {
        std::fputs("usage: exec_tax ROUNDS -- [VARIABLE=VALUE...] [COMMAND...] [-- ...]\n", stderr);
        return 2;
    }
    const std::vector<Variant> variants = read_variants(argc, argv);
    // Pairs, taken one after the other: what the machine does meanwhile hits both alike and the difference
    // stays.
    std::vector<std::vector<double>> added(variants.size());
    std::vector<double> plain;
    // In another order each round: what a heavy neighbour drives out of the caches is to hit all alike.
    std::vector<std::size_t> order(variants.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::minstd_rand random(1);
    for (long round = 0; round < rounds; ++round) {
        std::shuffle(order.begin(), order.end(), random);
        for (const std::size_t index : order) {
            plain.push_back(time_one({}));
            added[index].push_back(time_one(variants[index]) - plain.back());
        }
    }
    const double without = quantile(plain, 0.5);
    for (std::vector<double>& values : added) {
        std::printf("%.2f\t%.2f\t%.2f\t%.2f\n", quantile(values, 0.5), quantile(values, 0.25),
                    quantile(values, 0.75), without);
    }
    return 0;
}
