// System calls of our own that leave no trace in the program: no errno (and so no TLS, H43), no cancellation
// point (H49), no other shim in between.
#pragma once

namespace portguard {

/// Returns what the kernel returned: a value, or -errno.
inline long kernel_call(long number, long first = 0, long second = 0, long third = 0, long fourth = 0,
                        long fifth = 0, long sixth = 0) {
#if defined(__x86_64__)
    long result = 0;
    register long r10 asm("r10") = fourth;
    register long r8 asm("r8") = fifth;
    register long r9 asm("r9") = sixth;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(first), "S"(second), "d"(third), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 asm("x8") = number;
    register long x0 asm("x0") = first;
    register long x1 asm("x1") = second;
    register long x2 asm("x2") = third;
    register long x3 asm("x3") = fourth;
    register long x4 asm("x4") = fifth;
    register long x5 asm("x5") = sixth;
    asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
#else
#error "portguard knows the system call instruction of x86_64 and aarch64 alone"
#endif
}

/// The same with three arguments, for calls where each instruction counts: the other registers are left
/// alone.
inline long short_kernel_call(long number, long first, long second, long third) {
#if defined(__x86_64__)
    long result = 0;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(first), "S"(second), "d"(third)
                 : "rcx", "r11", "memory");
    return result;
#else
    return kernel_call(number, first, second, third);
#endif
}

template <typename Pointer>
long as_argument(Pointer* pointer) {
    return reinterpret_cast<long>(pointer);
}
constexpr long as_argument(long value) {
    return value;
}

} // namespace portguard
