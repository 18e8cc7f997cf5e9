// call_loop NAME COUNT: makes one call COUNT times, for tools that count instructions.
#include <cstdio>
#include <cstdlib>

#include "calls.h"

int main(int argc, char** argv) {
    const auto* const call = argc == 3 ? portguard::bench::find_call(argv[1]) : nullptr;
    if (call == nullptr) {
        std::fputs("usage: call_loop NAME COUNT\n", stderr);
        return 2;
    }
    if (call->prepare != nullptr) {
        call->prepare();
    }
    for (long left = std::strtol(argv[2], nullptr, 10); left > 0; --left) {
        call->make();
    }
    return 0;
}
