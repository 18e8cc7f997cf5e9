// The ring that `remember` keeps: calls that went through, with the stack of each, in a file that every
// process of a session appends to. Written by preload/remember.cpp, read by explain/ring_reader.h.
//
// A record is one writev(2) with O_APPEND, which the kernel does under the file's lock: writers wait for
// nobody who has ended. One that is killed in the middle leaves a short record, and the next begins with its
// mark. What is older than the last ring_capacity bytes is given back to the file system (fallocate(2),
// FALLOC_FL_PUNCH_HOLE).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/call.h"
#include "core/config.h"
#include "core/endpoint.h"
#include "core/snapshot.h"

namespace portguard {

inline constexpr std::uint32_t ring_version = 1;
inline constexpr std::size_t ring_capacity = std::size_t{32} << 20;
/// What is copied of a stack, at most.
inline constexpr std::size_t ring_stack_capacity = 6144;
/// Of /proc/PID/maps and /proc/PID/cmdline, at most.
inline constexpr std::size_t ring_maps_capacity = std::size_t{256} << 10;
inline constexpr std::size_t ring_argv_capacity = 1024;

/// What each record begins with. It is written from read-only memory, so that no stack that is copied has it.
inline constexpr std::array<char, 16> ring_mark{'p', 'o', 'r', 't',    'g',    'u',    'a',    'r',
                                                'd', 1,   2,   '\x9e', '\x37', '\x79', '\xb9', '\x7f'};

enum class RingRecord : std::uint8_t { process, call };

/// A program, from an exec or a fork on, or from when it had loaded something. argv (NUL between arguments)
/// and the text of /proc/PID/maps follow.
struct RingProcess {
    std::uint32_t version = ring_version;
    RingRecord kind = RingRecord::process;
    std::int32_t pid = 0;
    std::uint32_t argv_bytes = 0;
    std::uint32_t maps_bytes = 0;
    /// /proc/sys/kernel/random/boot_id, since times and cookies begin anew with a boot.
    char boot[36] = {};
    /// What readlink(2) says of /proc/self/ns/pid, NUL-terminated: whose pids these are.
    char pid_namespace[28] = {};
    /// CLOCK_MONOTONIC.
    alignas(8) std::uint64_t time_ns = 0;
    /// program_invocation_short_name, NUL-terminated.
    char program[64] = {};
};

/// One call; ring_stack_capacity bytes at most, from the stack pointer upwards, follow.
struct RingCall {
    std::uint32_t version = ring_version;
    RingRecord kind = RingRecord::call;
    Call call = Call::bind;
    Protocol protocol = Protocol::unknown;
    /// The program left the choice of the port to the kernel.
    bool kernel_chose = false;
    std::int32_t pid = 0;
    std::int32_t tid = 0;
    std::uint16_t machine = 0;
    /// Port 0 where there is no peer.
    Endpoint remote{};
    Endpoint local{};
    alignas(8) std::uint64_t time_ns = 0;
    /// SO_COOKIE and SO_NETNS_COOKIE: which socket, and in which network.
    std::uint64_t cookie = 0;
    std::uint64_t network = 0;
    std::uint64_t registers[snapshot_registers] = {};
};

/// The file's path, NUL-terminated; nothing where `config` remembers nothing.
inline void print_ring_path(const Config& config, std::uint32_t user, TextWriter& out) {
    if (config.remember == Remember::stack) {
        if (config.ring[0] == '\0') {
            out.add("/dev/shm/portguard-").add_number(user).add(".ring");
        } else {
            out.add(config.ring);
        }
        out.add('\0');
    }
}

} // namespace portguard
