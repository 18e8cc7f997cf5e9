// System calls of our own that leave no trace in the program: no errno (and so no TLS, H43), no cancellation
// point (H49), no other shim in between.
#pragma once

#include <cerrno>
#include <cstdint>

#include <sys/syscall.h>

#include "core/by_registers.h"

namespace portguard {

// The forms that libc's headers describe: of the older ones, i386 has calls with narrower structures beside.
#if defined(__i386__)
inline constexpr long call_fstat = SYS_fstat64;
inline constexpr long call_geteuid = SYS_geteuid32;
inline constexpr long call_mmap = SYS_mmap2; // its offset counts pages
#else
inline constexpr long call_fstat = SYS_fstat;
inline constexpr long call_geteuid = SYS_geteuid;
inline constexpr long call_mmap = SYS_mmap;
#endif

/// A result that is -errno. An address may be negative as well, in the upper half of 32 bits.
constexpr bool is_error(long result) {
    constexpr long largest_errno = 4095; // MAX_ERRNO, include/linux/err.h
    return result < 0 && result >= -largest_errno;
}

#if defined(__i386__)
/// One copy: with six arguments there is no register left, and each would bring its own way around that.
[[gnu::noinline]] inline long i386_call(long number, long first, long second, long third, long fourth,
                                        long fifth, long sixth) {
    long result = 0;
    asm volatile("pushl %[sixth]\n\t"
                 "pushl %%ebp\n\t"
                 "movl 4(%%esp), %%ebp\n\t"
                 "int $0x80\n\t"
                 "popl %%ebp\n\t"
                 "addl $4, %%esp"
                 : "=a"(result)
                 : "a"(number), "b"(first), "c"(second), "d"(third), "S"(fourth),
                   "D"(fifth), [sixth] "m"(sixth)
                 : "memory", "cc");
    return result;
}

/// The number of a socket's call within socketcall(2) (linux/net.h); 0: it is none of those.
constexpr long socketcall_of(long number) {
    switch (number) {
    case SYS_socket: return 1;
    case SYS_bind: return 2;
    case SYS_connect: return 3;
    case SYS_listen: return 4;
    case SYS_getsockname: return 6;
    case SYS_sendto: return 11;
    case SYS_recvfrom: return 12;
    case SYS_setsockopt: return 14;
    case SYS_getsockopt: return 15;
    case SYS_sendmsg: return 16;
    default: return 0;
    }
}

/// Returns what the kernel returned: a value, or -errno.
PORTGUARD_BY_REGISTERS [[gnu::noinline]] inline long
kernel_call(long number, long first, long second, long third, long fourth, long fifth = 0, long sixth = 0) {
    const long result = i386_call(number, first, second, third, fourth, fifth, sixth);
    // i386 has calls of their own for sockets since Linux 4.3.
    if (const long call = socketcall_of(number); call != 0 && result == -ENOSYS) {
        const long arguments[] = {first, second, third, fourth, fifth, sixth};
        return i386_call(SYS_socketcall, call, reinterpret_cast<long>(arguments), 0, 0, 0, 0);
    }
    return result;
}

PORTGUARD_BY_REGISTERS [[gnu::noinline]] inline long kernel_call(long number, long first = 0, long second = 0,
                                                                 long third = 0) {
    return kernel_call(number, first, second, third, 0);
}
#else
// By how many arguments there are: to clear the registers of all six took 1.7 KB of code.

/// Returns what the kernel returned: a value, or -errno. Every argument that the call has is to be named:
/// what is left out beyond the third is whatever its register held.
inline long kernel_call(long number, long first = 0, long second = 0, long third = 0) {
#if defined(__x86_64__)
    long result = 0;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(first), "S"(second), "d"(third)
                 : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 asm("x8") = number;
    register long x0 asm("x0") = first;
    register long x1 asm("x1") = second;
    register long x2 asm("x2") = third;
    asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
#else
#error "for this processor, kernel_call.h, preload/clone.h and preload/registers.h lack its instructions"
#endif
}

inline long kernel_call(long number, long first, long second, long third, long fourth) {
#if defined(__x86_64__)
    long result = 0;
    register long r10 asm("r10") = fourth;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(first), "S"(second), "d"(third), "r"(r10)
                 : "rcx", "r11", "memory");
    return result;
#else
    register long x8 asm("x8") = number;
    register long x0 asm("x0") = first;
    register long x1 asm("x1") = second;
    register long x2 asm("x2") = third;
    register long x3 asm("x3") = fourth;
    asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
#endif
}

inline long kernel_call(long number, long first, long second, long third, long fourth, long fifth,
                        long sixth = 0) {
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
#else
    register long x8 asm("x8") = number;
    register long x0 asm("x0") = first;
    register long x1 asm("x1") = second;
    register long x2 asm("x2") = third;
    register long x3 asm("x3") = fourth;
    register long x4 asm("x4") = fifth;
    register long x5 asm("x5") = sixth;
    asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
#endif
}
#endif

/// fallocate(2).
inline long call_fallocate(long fd, long mode, std::uint64_t offset, std::uint64_t length) {
#if defined(__i386__)
    // Each of both is given as two halves.
    return kernel_call(SYS_fallocate, fd, mode, static_cast<long>(offset), static_cast<long>(offset >> 32),
                       static_cast<long>(length), static_cast<long>(length >> 32));
#else
    return kernel_call(SYS_fallocate, fd, mode, static_cast<long>(offset), static_cast<long>(length));
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
