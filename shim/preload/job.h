// One failed call on its way through the child.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/snapshot.h"
#include "kernel/port_look.h"
#include "preload/occurrence.h"

namespace portguard {

/// What the host hands to the child, and what the child leaves in it: they share the memory, unless valgrind
/// or qemu-user has made a fork of the clone (K23). On the host's stack.
struct Job {
    const Occurrence& occurrence;
    /// What the program passed; for listen, where the socket is.
    Endpoint asked{};
    int pid = 0;
    int tid = 0;
    /// The call may be repeated with SO_REUSEADDR, if the holders turn out to be of the kind that it helps
    /// against.
    bool may_cure = false;
    /// Only the child knows what there is to tell, cured or not, and asks whether it is told.
    bool child_admits = false;
    bool tells = false;
    /// No helper: the child before this one was killed, and the less this one does the better.
    bool only_line = false;
    std::uint32_t count = 1;
    std::uint32_t kept_back = 0;
    std::uint64_t registers[snapshot_registers] = {};

    EventKind kind = occurrence.kind;
    /// As remembered, until the child has asked the kernel.
    SocketFacts facts = occurrence.facts;
    /// The descriptor for the program's socket, in whichever process looks: the child has moved its own.
    int socket = occurrence.fd;

    // By the child.
    SeenSockets seen{};
    bool cured = false;
    /// Written, counted as lost, or not to be told.
    bool told = false;
    /// What it writes here is seen by the program.
    bool is_shared = false;
    /// It did not come to its end, and may have left SO_REUSEADDR set if it set it.
    bool killed = false;
    bool set_flag = false;
    /// Why no report could be made; empty: none was tried, or it was made. Constant text.
    const char* why_plain = "";
    /// Signal or errno that belongs to it; 0: none.
    int why_number = 0;
};

/// Of a unix socket; empty: it is none.
inline std::string_view unix_name_of(const Occurrence& occurrence) {
    return unix_name(occurrence.address, occurrence.length);
}

/// The event as it stands by now.
inline EventKind kind_of(const Job& job) {
    return job.cured ? EventKind::cured : job.kind;
}

/// Memory for a job's time: one mapping, with a page that cannot be touched below each stack.
struct Workspace {
    static constexpr std::size_t guard_size = 64 * 1024; // the largest page size of either architecture

    char below_starter[guard_size];
    alignas(16) char starter_stack[64 * 1024];
    char below_stack[guard_size];
    alignas(16) char stack[128 * 1024];
    /// For answers of the kernel (32 KiB: a netlink datagram) and lines of /proc/self/maps.
    alignas(16) char answers[32 * 1024];
    char seen[snapshot_look_capacity];
    Snapshot snapshot;
};

/// Where a stack begins that grows down into `memory`.
template <std::size_t size>
char* end_of(char (&memory)[size]) {
    return memory + size;
}

} // namespace portguard
