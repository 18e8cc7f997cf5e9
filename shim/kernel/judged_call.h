// A call that the library has judged, or makes for itself: the supervisor's filter lets it pass
// (tools/supervise/filter.h).
#pragma once

#include <cstdint>

#include "kernel/kernel_call.h"

namespace portguard {

/// In the sixth argument, of which socket(2), bind(2) and listen(2) know nothing; where another library makes
/// the call, on the stack (JudgedHere). No pointer, number or text, and so nowhere by accident.
inline constexpr std::uint64_t judged_mark = 0x9d4f'b6e3'857a'c1f3;

/// kernel_call(), with the mark. It is cleared behind it: the register would bring it to a call that the
/// program makes next without libc.
#if defined(__i386__)
PORTGUARD_BY_REGISTERS [[gnu::noinline]]
#endif
inline long
judged_call(long number, long first, long second, long third = 0) {
#if defined(__x86_64__)
    long result = 0;
    register std::uint64_t r9 asm("r9") = judged_mark;
    asm volatile("syscall\n\t"
                 "xorl %%r9d, %%r9d"
                 : "=a"(result), "+r"(r9)
                 : "a"(number), "D"(first), "S"(second), "d"(third)
                 : "rcx", "r11", "memory", "cc");
    return result;
#elif defined(__aarch64__)
    register long x8 asm("x8") = number;
    register long x0 asm("x0") = first;
    register long x1 asm("x1") = second;
    register long x2 asm("x2") = third;
    register std::uint64_t x5 asm("x5") = judged_mark;
    asm volatile("svc 0\n\t"
                 "mov x5, xzr"
                 : "+r"(x0), "+r"(x5)
                 : "r"(x8), "r"(x1), "r"(x2)
                 : "memory");
    return x0;
#else
    // Its low half in the fifth. The program finds its own values in both again.
    return kernel_call(number, first, second, third, 0, static_cast<long>(judged_mark & 0xffffffff),
                       static_cast<long>(judged_mark >> 32));
#endif
}

/// The mark on the stack, while the call is in the hands of the next library. To be cleared as above.
class JudgedHere {
public:
    JudgedHere() { put(judged_mark); }
    JudgedHere(const JudgedHere&) = delete;
    JudgedHere& operator=(const JudgedHere&) = delete;
    ~JudgedHere() { put(0); }

private:
    void put(std::uint64_t value) {
        mark_ = value;
        // Read by another process only, which the compiler does not know.
        asm volatile("" : : "r"(&mark_) : "memory");
    }

    std::uint64_t mark_;
};

} // namespace portguard
