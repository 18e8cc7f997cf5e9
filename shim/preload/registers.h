// The registers from which a walk of the stack begins, as Snapshot::registers has them.
#pragma once

#include <cstdint>

#include "core/snapshot.h"

namespace portguard {

#if defined(__x86_64__)
inline constexpr std::uint16_t own_machine = machine_x86_64;
inline constexpr std::size_t stack_pointer_register = 7;
inline constexpr std::size_t code_register = 16;
#elif defined(__aarch64__)
inline constexpr std::uint16_t own_machine = machine_aarch64;
inline constexpr std::size_t stack_pointer_register = 31;
inline constexpr std::size_t code_register = 32;
#elif defined(__i386__)
inline constexpr std::uint16_t own_machine = machine_i386;
inline constexpr std::size_t stack_pointer_register = 4;
inline constexpr std::size_t code_register = 8;
#endif

/// Of the function that this is inlined into: good for as long as that function has not returned. Not
/// getcontext(3), which musl does not have, and which asks the kernel for the signal mask.
[[gnu::always_inline]] inline void capture_registers(std::uint64_t* registers) {
#if defined(__x86_64__)
    asm volatile("movq %%rbx, 24(%0)\n\t"
                 "movq %%rbp, 48(%0)\n\t"
                 "movq %%rsp, 56(%0)\n\t"
                 "movq %%r12, 96(%0)\n\t"
                 "movq %%r13, 104(%0)\n\t"
                 "movq %%r14, 112(%0)\n\t"
                 "movq %%r15, 120(%0)\n\t"
                 "leaq 0(%%rip), %%rax\n\t"
                 "movq %%rax, 128(%0)"
                 :
                 : "r"(registers)
                 : "rax", "memory");
#elif defined(__aarch64__)
    asm volatile("stp x19, x20, [%0, #152]\n\t"
                 "stp x21, x22, [%0, #168]\n\t"
                 "stp x23, x24, [%0, #184]\n\t"
                 "stp x25, x26, [%0, #200]\n\t"
                 "stp x27, x28, [%0, #216]\n\t"
                 "stp x29, x30, [%0, #232]\n\t"
                 "mov x9, sp\n\t"
                 "adr x10, .\n\t"
                 "stp x9, x10, [%0, #248]"
                 :
                 : "r"(registers)
                 : "x9", "x10", "memory");
#elif defined(__i386__)
    // The low half of each, the first on this machine; the high one is 0.
    asm volatile("movl %%ebx, 24(%0)\n\t"
                 "movl %%esp, 32(%0)\n\t"
                 "movl %%ebp, 40(%0)\n\t"
                 "movl %%esi, 48(%0)\n\t"
                 "movl %%edi, 56(%0)\n\t"
                 "call 1f\n"
                 "1:\n\t"
                 "popl 64(%0)"
                 :
                 : "r"(registers)
                 : "memory");
#endif
}

} // namespace portguard
