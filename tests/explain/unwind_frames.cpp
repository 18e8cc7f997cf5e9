#include "explain/unwind_frames.h"

#include <array>

namespace portguard::test {

// Each has another number of live registers, and so another frame.
[[gnu::noinline]] void call_through_frames(int depth, const Taken& take) {
    std::array<int, 16> kept{};
    kept[static_cast<unsigned>(depth) % kept.size()] = depth;
    asm volatile("" : : "r"(kept.data()) : "memory");
    if (depth == 0) {
        take();
    } else {
        call_through_frames(depth - 1, take);
    }
    asm volatile("" : : "r"(kept.data()) : "memory");
}

[[gnu::noinline]] void call_through_large_frames(int depth, const Taken& take) {
    std::array<char, 4096> kept;
    kept[0] = static_cast<char>(depth);
    asm volatile("" : : "r"(kept.data()) : "memory");
    if (depth == 0) {
        take();
    } else {
        call_through_large_frames(depth - 1, take);
    }
    asm volatile("" : : "r"(kept.data()) : "memory");
}

} // namespace portguard::test
