// stub_calls [BENCHMARK FLAG...]: time of each of calls.h, to be run with the stub preloaded.
#include <string>

#include <benchmark/benchmark.h>

#include "calls.h"

int main(int argc, char** argv) {
    for (const auto& call : portguard::bench::all_calls()) {
        benchmark::RegisterBenchmark(std::string(call.name).c_str(), [&call](benchmark::State& state) {
            if (call.prepare != nullptr) {
                call.prepare();
            }
            for ([[maybe_unused]] auto pass : state) {
                call.make();
            }
        });
    }
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
