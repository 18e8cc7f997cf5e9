// Whether a thread that an interpreter knows by pthread_self(3) is the one that asked.
#pragma once

#include <cstdint>
#include <optional>

#include <sys/types.h>

#include "explain/script_memory.h"

namespace portguard {

/// Nothing: `self` is no thread of glibc's on x86-64, whose head points to itself and has the thread's number
/// behind (struct pthread in nptl/descr.h, where it is the same from 2.17 to 2.42; fork(2) renews it).
inline std::optional<bool> is_glibc_thread(ScriptMemory& memory, std::uint64_t self, pid_t tid) {
#if defined(__x86_64__)
    constexpr std::uint64_t self_at = 16;
    constexpr std::uint64_t number_at = 720;
    if (self != 0 && memory.pointer(self + self_at) == self) {
        return memory.value<std::int32_t>(self + number_at) == tid;
    }
#else
    static_cast<void>(memory);
    static_cast<void>(self);
    static_cast<void>(tid);
#endif
    return std::nullopt;
}

} // namespace portguard
