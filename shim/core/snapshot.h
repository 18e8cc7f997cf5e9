// What a failing call leaves for `portguard explain`: one plain struct at the beginning of a memfd, and the
// bytes of the stack behind it. Made by the preloaded object (preload/capture.h), read in another process, so
// that nothing that allocates, locks or throws runs in the program.
#pragma once

#include <cstddef>
#include <cstdint>

#include <sys/socket.h>

#include "core/config.h"
#include "core/event.h"
#include "core/socket_facts.h"

namespace portguard {

inline constexpr std::uint32_t snapshot_version = 8;

/// e_machine of the program (elf.h): which registers Snapshot::registers holds.
inline constexpr std::uint16_t machine_x86_64 = 62;
inline constexpr std::uint16_t machine_i386 = 3;
inline constexpr std::uint16_t machine_aarch64 = 183;

/// As many as the largest of the three has, by DWARF number: x86-64 rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp,
/// r8-r15, rip (System V ABI, figure 3.36); i386 eax, ecx, edx, ebx, esp, ebp, esi, edi, eip; aarch64 x0-x30,
/// sp, pc. Those that are not known are 0: in a program, all that a call need not preserve.
inline constexpr std::size_t snapshot_registers = 33;
/// What is copied of the stack, at most: where the mapping ends earlier, less.
inline constexpr std::size_t snapshot_stack_capacity = 65536;

/// What the child's own look at the port is handed on in, at most: 70 sockets or more.
inline constexpr std::size_t snapshot_look_capacity = 8192;

/// The descriptors that the executed file finds. 0 and 1 are closed; 2 is the program's stderr if reports may
/// go there.
inline constexpr int snapshot_fd = 3;
/// A duplicate of the program's socket, unless Snapshot::socket_stands_in.
inline constexpr int snapshot_socket_fd = 4;
/// /proc/self/maps, opened by the program: what is read is the program's.
inline constexpr int snapshot_maps_fd = 5;
/// If Snapshot::has_memory: /proc/self/mem, opened for reading by a process that shares the program's memory,
/// which takes no ptrace right. What the copied stack does not hold is read from there: the interrupted stack
/// below a signal handler's own, a stack above 64 KiB, the vdso, files that have been deleted.
inline constexpr int snapshot_memory_fd = 6;

/// The exit status of `portguard explain`, and of the child that starts it. Anything else, or a signal: it
/// failed.
inline constexpr int explained_mark = 0x40;
/// Set beside the mark: nothing is left for another to tell.
inline constexpr int explained_told = 0x01;
/// Set beside the mark: the call went through in the child (Snapshot::kind is `cured`).
inline constexpr int explained_cured = 0x02;
/// Set beside explained_told: no log took the event, which has to be counted.
inline constexpr int explained_lost = 0x04;
/// Set beside explained_told: the cause shows that no harm is done. One such is told per process.
inline constexpr int explained_harmless = 0x08;
/// Set beside explained_told: nothing was written, as one such was told before or `level` hides it.
inline constexpr int explained_silent = 0x10;
/// A program that could not start ends with statuses of its own (127), which have the mark's bit.
constexpr bool is_explained(int exit_status) {
    constexpr int all =
        explained_told | explained_cured | explained_lost | explained_harmless | explained_silent;
    return (exit_status & ~all) == explained_mark;
}

struct Snapshot {
    std::uint32_t size = sizeof(Snapshot);
    std::uint32_t version = snapshot_version;
    std::uint16_t machine = 0;
    EventKind kind = EventKind::in_use;
    Call call = Call::bind;
    SocketFacts facts;
    /// fd 2 is the file that the process was started with, and no other's (design 3.5): reports may go there.
    bool stderr_is_ours = false;
    /// NO_COLOR was set when the program started (https://no-color.org).
    bool no_color = false;
    /// Descriptor 6 is the program's memory.
    bool has_memory = false;
    /// Descriptor 4 is a socket of the supervisor's, of the kind of the program's, which pidfd_getfd(2) may
    /// not borrow. It was not the one that was asked for, and its options are not the program's.
    bool socket_stands_in = false;
    /// `look_bytes` are all sockets that overlap, and the kernel need not be asked again. It may become true
    /// while the helper runs.
    bool has_look = false;
    /// Written by the helper: the exit status that it is about to end with. 0: it has told nothing. Whoever
    /// has ended it reads it here, and tells the event once.
    std::uint8_t outcome = 0;
    /// explained_harmless was an answer to this process before.
    bool harmless_told = false;
    /// For `exhausted`: explicit binds look for a port in here (design 3.4, step 3); empty: the kernel
    /// chooses.
    PortRange bound_range;
    /// The program's number for the socket.
    std::int32_t fd = -1;
    /// The program's errno; 0 where the call went through.
    std::int32_t error = 0;
    std::int32_t pid = 0;
    std::int32_t tid = 0;
    /// The events like this one since the last that was told, this one included.
    std::uint32_t count = 1;
    /// Others that max_reports, or the share of time, kept back since then.
    std::uint32_t kept_back = 0;
    /// Events that no log took before this one.
    std::uint32_t lost = 0;
    /// What the program passed; `address_length` 0: nothing (listen), the socket's own is meant.
    std::uint32_t address_length = 0;
    /// Bytes of the stack that follow this struct, from registers' stack pointer upwards.
    std::uint32_t stack_bytes = 0;
    /// Bytes behind those: netlink messages (SeenSockets, kernel/port_look.h).
    std::uint32_t look_bytes = 0;
    alignas(8) std::uint64_t registers[snapshot_registers] = {};
    alignas(8) unsigned char address[sizeof(sockaddr_storage)] = {};
    /// program_invocation_short_name as it was at start, NUL-terminated.
    char program[64] = {};
    /// What readlink(2) says of /proc/self/exe, NUL-terminated; empty: asked of /proc/PID/exe, which a
    /// program that is not dumpable shows to root alone.
    char exe[512] = {};
    alignas(8) Config config;
};

/// By DWARF number (Snapshot::registers): rsp, esp and sp.
constexpr std::size_t stack_pointer_register_of(std::uint16_t machine) {
    switch (machine) {
    case machine_aarch64: return 31;
    case machine_i386: return 4;
    default: return 7;
    }
}

/// Where the copy of the stack begins.
constexpr std::uint64_t stack_pointer_of(const Snapshot& snapshot) {
    return snapshot.registers[stack_pointer_register_of(snapshot.machine)];
}

} // namespace portguard
