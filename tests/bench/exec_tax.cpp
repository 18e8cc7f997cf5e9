// exec_tax ROUNDS OBJECT...: time of posix_spawn + exec + exit of /bin/true with each object preloaded, in
// turns, beside the same without any. Prints a line an object: its name, the median time added in
// microseconds, and the ratio of that to the time added by the first object.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>

namespace {

using Microseconds = std::chrono::duration<double, std::micro>;

double time_one(const char* preload) {
    char program[] = "/bin/true";
    char* const arguments[] = {program, nullptr};
    std::string variable = std::string("LD_PRELOAD=") + (preload == nullptr ? "" : preload);
    char* const environment[] = {preload == nullptr ? nullptr : variable.data(), nullptr};
    const auto start = std::chrono::steady_clock::now();
    pid_t child = 0;
    int status = 0;
    if (posix_spawn(&child, program, nullptr, nullptr, arguments, environment) != 0 ||
        waitpid(child, &status, 0) != child || status != 0) {
        std::perror("exec_tax: /bin/true");
        std::exit(1);
    }
    return Microseconds(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

} // namespace

int main(int argc, char** argv) {
    const long rounds = argc > 2 ? std::strtol(argv[1], nullptr, 10) : 0;
    if (rounds <= 0) {
        std::fputs("usage: exec_tax ROUNDS OBJECT...\n", stderr);
        return 2;
    }
    const std::size_t objects = static_cast<std::size_t>(argc) - 2;
    // Pairs, taken one after the other: what the machine does meanwhile hits both alike and the difference
    // stays.
    std::vector<std::vector<double>> added(objects);
    for (long round = 0; round < rounds; ++round) {
        for (std::size_t object = 0; object < objects; ++object) {
            const double without = time_one(nullptr);
            added[object].push_back(time_one(argv[object + 2]) - without);
        }
    }
    const double reference = median(added[0]);
    for (std::size_t object = 0; object < objects; ++object) {
        const double own = median(added[object]);
        std::printf("%s\t%.1f\t%.2f\n", argv[object + 2], own, own / reference);
    }
    return 0;
}
