#include "preload/own_stack.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "kernel/kernel_call.h"

namespace portguard {
namespace {

// dlopen of the module, the walk of a deep stack and one report need about 60 KiB; untouched pages cost
// nothing.
constexpr std::size_t stack_size = 512 * 1024;
constexpr std::size_t guard_size = 64 * 1024; // the largest page size of either architecture

constexpr int protection = PROT_READ | PROT_WRITE;
constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;

// TSan has to see a stack come and go, or it takes two that had the same address, one after the other, for
// one that is shared.
#ifdef __SANITIZE_THREAD__
long map_stack() {
    return as_argument(::mmap(nullptr, stack_size, protection, flags, -1, 0));
}
void unmap_stack(char* base) {
    ::munmap(base, stack_size);
}
#else
long map_stack() {
    return kernel_call(SYS_mmap, 0, stack_size, protection, flags, -1, 0);
}
void unmap_stack(char* base) {
    kernel_call(SYS_munmap, as_argument(base), stack_size);
}
#endif

} // namespace

OwnStack::OwnStack() {
    const long mapped = map_stack();
    if (mapped > 0) {
        base_ = reinterpret_cast<char*>(mapped);
        kernel_call(SYS_mprotect, mapped, guard_size, PROT_NONE);
    }
}

OwnStack::~OwnStack() {
    if (base_ != nullptr) {
        unmap_stack(base_);
    }
}

// Not swapcontext(3): ASan prints a warning of its own when it is used, and it makes system calls. The
// caller's stack pointer is kept in a register that the called function preserves, and in the frame pointer's
// frame, so that a debugger can walk across.
__attribute__((noinline)) void OwnStack::call(void (*function)(void*), void* argument) const {
    char* const top = base_ + stack_size;
#if defined(__x86_64__)
    asm volatile("movq %%rsp, %%rbx\n\t"
                 "movq %[top], %%rsp\n\t"
                 "callq *%[function]\n\t"
                 "movq %%rbx, %%rsp"
                 : "+D"(argument)
                 : [top] "r"(top), [function] "r"(function)
                 : "rbx", "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc", "xmm0",
                   "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                   "xmm12", "xmm13", "xmm14", "xmm15");
#elif defined(__aarch64__)
    register void* x0 asm("x0") = argument;
    asm volatile("mov x19, sp\n\t"
                 "mov sp, %[top]\n\t"
                 "blr %[function]\n\t"
                 "mov sp, x19"
                 : "+r"(x0)
                 : [top] "r"(top), [function] "r"(function)
                 : "x19", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
                   "x14", "x15", "x16", "x17", "x18", "x30", "memory", "cc", "v0", "v1", "v2", "v3", "v4",
                   "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25",
                   "v26", "v27", "v28", "v29", "v30", "v31");
#endif
}

} // namespace portguard
