// All that was found out about one event: what the cause is judged by, and what the report shows.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "core/event.h"
#include "core/snapshot.h"
#include "explain/address_facts.h"
#include "explain/asked_socket.h"
#include "explain/call_facts.h"
#include "explain/holder_facts.h"
#include "explain/port_usage.h"
#include "explain/program_memory.h"
#include "explain/rights.h"
#include "explain/sandbox.h"
#include "explain/stack.h"
#include "kernel/deadline.h"
#include "kernel/holders.h"
#include "kernel/sysctls.h"
#include "kernel/unix_sockets.h"

namespace portguard {

struct Facts {
    Event event;
    const Config* config = nullptr;
    int fd = -1;
    /// The program runs under the guard, which sets SO_REUSEADDR on its listeners and cures by it.
    bool is_guarded = false;
    AskedSocket socket;
    pid_t tid = 0;
    Rights rights;
    /// The program that asked.
    ProcessInfo self;
    std::string exe;
    std::string cwd;
    /// Its descriptors are hidden from its own user: prctl(PR_SET_DUMPABLE), or it changed its user.
    bool is_self_hidden = false;
    Manager manager;
    /// A variable of its environment whose value has the port in it, where a process that it descends from
    /// has the port; empty: none.
    std::string variable;
    Stack stack;
    /// False: the holders were not asked for (diagnosis=stack, or an event that has none).
    bool holders_asked = false;
    HolderReport holders;
    /// One for each of holders.holders.
    std::vector<HolderFacts> about;
    /// Index of the holder that is the reason.
    std::optional<std::size_t> decisive;
    OwnerFacts owner;
    /// Whoever was given the port before the decisive holder took it, and let it go.
    std::optional<RememberedCall> picked;
    /// The peer of the decisive connection listens in this network.
    bool peer_listens = false;
    /// TCP ports of this network on which a socket listens.
    PortSet ports_listened_on;
    /// Where no holder was seen: errno of binding a socket of ours to the same address; 0: it went through.
    std::optional<int> probe;
    /// For the name of a unix socket; the holders are in `holders`.
    std::optional<UnixLook> unix_look;
    HostSettings host;
    /// For an event whose reason is that no port is left.
    std::optional<PortUsage> ports;
    /// The program bound the socket to a port itself.
    bool chose_port = false;
    /// The socket's own address, for a connect that failed.
    Endpoint bound_to;
    /// The connection that has that address and the destination already.
    std::optional<DiagSocket> same_tuple;
    /// tcp_tw_reuse is 1.
    bool reuses_time_wait = false;
    /// For an address that cannot be had.
    std::optional<AddressFacts> address;
    /// For a call that is invalid in itself.
    std::optional<CallFacts> call;
    /// For EACCES.
    std::optional<SandboxFacts> sandbox;
    /// The port that was asked for is that of a client whose connection this process has accepted.
    bool serves_client_on_port = false;
    /// SO_REUSEADDR was tried; in mode=observe: it would have been in enforce.
    bool would_try_cure = false;
    /// One that a cure may name instead of the one that was asked for; 0: none was asked for or found.
    std::uint16_t free_port = 0;
    /// What could not be found out, beside HolderReport::missing.
    std::vector<std::string> missing;

    /// Null: none was seen.
    [[nodiscard]] const Holder* decisive_holder() const {
        return decisive.has_value() ? &holders.holders[*decisive] : nullptr;
    }
    /// Each process with a socket that is in the way (conflict.h), once; those of the decisive one first.
    [[nodiscard]] std::vector<pid_t> pids_in_the_way() const;
    [[nodiscard]] const HolderFacts& about_decisive() const { return about[*decisive]; }
};

/// What a report is made from.
struct Inquiry {
    /// Lives as long as the facts do.
    const Snapshot& snapshot;
    /// A duplicate of the program's; -1: there is none.
    int socket = -1;
    ProgramMemory& memory;
    /// The file of the snapshot, for read_look(); -1: there is none.
    int snapshot_file;
    /// For everything.
    const Deadline& deadline;
    /// Processes that are ours and no holders, in spite of the descriptors that they have.
    std::vector<pid_t> own_processes;
};

/// Asks the kernel and /proc, as far as config.diagnosis allows and the deadline.
Facts gather_facts(const Inquiry& inquiry);

} // namespace portguard
