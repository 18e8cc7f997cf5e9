// Whose call it is. In the preloaded object the process itself; in the supervisor (tools/supervise), which is
// compiled of the same files, the thread that waits for its answer.
#pragma once

#include <cstddef>
#include <cstdint>

#include <sys/syscall.h>

#include "kernel/kernel_call.h"
#include "preload/registers.h"

namespace portguard::asker {

#if defined(PORTGUARD_SUPERVISOR)

int pid();
int tid();
/// e_machine of its program.
std::uint16_t machine();
/// Those that /proc shows of a thread that waits in a system call: where the stack is, and the call.
void read_registers(std::uint64_t* registers);
/// Its number for what is descriptor `fd` here.
int descriptor(int fd);
/// What is asked about stands in for its socket (Snapshot::socket_stands_in).
bool socket_stands_in();
const char* exe_path();
const char* maps_path();
const char* memory_path();
/// `size` bytes at most of its memory at `from`, to `offset` of the file `fd`: as many as there are.
long copy_memory(std::uint64_t from, std::size_t size, int fd, std::size_t offset);

#else

inline int pid() {
    return static_cast<int>(kernel_call(SYS_getpid));
}
inline int tid() {
    return static_cast<int>(kernel_call(SYS_gettid));
}
constexpr std::uint16_t machine() {
    return own_machine;
}
[[gnu::always_inline]] inline void read_registers(std::uint64_t* registers) {
    capture_registers(registers);
}
constexpr int descriptor(int fd) {
    return fd;
}
constexpr bool socket_stands_in() {
    return false;
}
constexpr const char* exe_path() {
    return "/proc/self/exe";
}
constexpr const char* maps_path() {
    return "/proc/self/maps";
}
constexpr const char* memory_path() {
    return "/proc/self/mem";
}
/// The write stops by itself where the mapping ends.
inline long copy_memory(std::uint64_t from, std::size_t size, int fd, std::size_t offset) {
    return kernel_call(SYS_pwrite64, fd, static_cast<long>(from), static_cast<long>(size),
                       static_cast<long>(offset));
}

#endif

} // namespace portguard::asker
