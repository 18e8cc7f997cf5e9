// A child that shares our memory (clone(2)), without libc: its wrapper would run handlers of
// pthread_atfork(3) in some versions, and needs a name to look up in every exec.
#pragma once

#include <linux/sched.h>
#include <sys/syscall.h>

#include "kernel/kernel_call.h"

namespace portguard {

/// Runs function(argument) on a stack that ends at `stack_top` (a multiple of 16), and exits with what it
/// returns. With CLONE_VFORK in `flags` it returns when the child has exited or executed a file. The child's
/// pid, or -errno.
[[gnu::noinline]] inline long clone_child(unsigned long flags, char* stack_top, int (*function)(void*),
                                          void* argument) {
#if defined(__x86_64__)
    long result = SYS_clone;
    register long no_thread_id asm("r10") = 0;
    register long no_tls asm("r8") = 0;
    // The child finds them in registers: its stack is another one, and the kernel leaves these alone.
    register int (*callee)(void*) asm("r12") = function;
    register void* its_argument asm("r13") = argument;
    asm volatile("syscall\n\t"
                 "testq %%rax, %%rax\n\t"
                 "jnz 1f\n\t"
                 "xorl %%ebp, %%ebp\n\t"
                 "movq %%r13, %%rdi\n\t"
                 "callq *%%r12\n\t"
                 "movl %%eax, %%edi\n\t"
                 "movl %[exit], %%eax\n\t"
                 "syscall\n\t"
                 "hlt\n"
                 "1:"
                 : "+a"(result)
                 : "D"(flags), "S"(stack_top), "d"(0L), "r"(no_thread_id), "r"(no_tls), "r"(callee),
                   "r"(its_argument), [exit] "i"(SYS_exit_group)
                 : "rcx", "r11", "memory", "cc");
    return result;
#elif defined(__aarch64__)
    register long number asm("x8") = SYS_clone;
    register unsigned long result asm("x0") = flags;
    register char* stack asm("x1") = stack_top;
    register long x2 asm("x2") = 0;
    register long x3 asm("x3") = 0;
    register long x4 asm("x4") = 0;
    register int (*callee)(void*) asm("x19") = function;
    register void* its_argument asm("x20") = argument;
    asm volatile("svc 0\n\t"
                 "cbnz x0, 1f\n\t"
                 "mov x29, #0\n\t"
                 "mov x0, x20\n\t"
                 "blr x19\n\t"
                 "mov x8, %[exit]\n\t"
                 "svc 0\n\t"
                 "brk #0\n"
                 "1:"
                 : "+r"(result)
                 : "r"(number), "r"(stack), "r"(x2), "r"(x3), "r"(x4), "r"(callee),
                   "r"(its_argument), [exit] "i"(SYS_exit_group)
                 : "x30", "memory", "cc");
    return static_cast<long>(result);
#elif defined(__i386__)
    // The child's argument, where a function finds it that is called with the stack at a multiple of 16.
    auto** const its_stack = reinterpret_cast<void**>(stack_top - 16);
    *its_stack = argument;
    long result = SYS_clone;
    // The fourth, a thread's memory that no flag of ours asks for, carries the function to the child.
    asm volatile("int $0x80\n\t"
                 "testl %%eax, %%eax\n\t"
                 "jnz 1f\n\t"
                 "xorl %%ebp, %%ebp\n\t"
                 "call *%%esi\n\t"
                 "movl %%eax, %%ebx\n\t"
                 "movl %[exit], %%eax\n\t"
                 "int $0x80\n\t"
                 "hlt\n"
                 "1:"
                 : "+a"(result)
                 : "b"(flags), "c"(its_stack), "d"(0L), "S"(function), "D"(0L), [exit] "i"(SYS_exit_group)
                 : "memory", "cc");
    return result;
#endif
}

} // namespace portguard
