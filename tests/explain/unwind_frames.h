// Calls between a test and the place where the stack is taken: with every optimisation, and no frame pointer.
#pragma once

#include <functional>

namespace portguard::test {

using Taken = std::function<void()>;

void call_through_frames(int depth, const Taken& take);
/// Each of its calls has 4 KiB on the stack.
void call_through_large_frames(int depth, const Taken& take);

} // namespace portguard::test

extern "C" {
/// Compiled without .eh_frame.
int portguard_test_without_eh_frame(void (*take)(void*), void* argument);
}
