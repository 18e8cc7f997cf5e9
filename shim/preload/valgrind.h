// What memcheck has to be told, without its headers.
#pragma once

#include <cstdint>

namespace portguard {

/// A stack is copied as it is, with what was never written. valgrind's memcheck would tell the program's user
/// of it: its request VG_USERREQ__CHANGE_ERR_DISABLEMENT (valgrind.h), four rotations by 128 bits in all
/// elsewhere.
inline void change_valgrind_silence(std::int64_t change) {
#if defined(__x86_64__)
    const std::int64_t request[6] = {0x1801, change, 0, 0, 0, 0};
    std::int64_t result = 0;
    asm volatile(
        "rolq $3, %%rdi\n\trolq $13, %%rdi\n\trolq $61, %%rdi\n\trolq $51, %%rdi\n\txchgq %%rbx, %%rbx"
        : "+d"(result)
        : "a"(request)
        : "cc", "memory");
#elif defined(__i386__)
    const std::uint32_t request[6] = {0x1801, static_cast<std::uint32_t>(change), 0, 0, 0, 0};
    std::uint32_t result = 0;
    asm volatile("roll $3, %%edi\n\troll $13, %%edi\n\troll $29, %%edi\n\troll $19, %%edi\n\t"
                 "xchgl %%ebx, %%ebx"
                 : "+d"(result)
                 : "a"(request)
                 : "cc", "memory");
#else
    static_cast<void>(change);
#endif
}

} // namespace portguard
