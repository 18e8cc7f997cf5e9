// All that was found out about one event: what the cause is judged by, and what the report shows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "core/event.h"
#include "core/snapshot.h"
#include "explain/asked_socket.h"
#include "explain/port_usage.h"
#include "explain/program_memory.h"
#include "explain/stack.h"
#include "kernel/deadline.h"
#include "kernel/holders.h"
#include "kernel/sysctls.h"

namespace portguard {

struct Facts {
    Event event;
    const Config* config = nullptr;
    int fd = -1;
    AskedSocket socket;
    pid_t tid = 0;
    uid_t euid = 0;
    /// The program that asked.
    ProcessInfo self;
    std::string exe;
    std::string cwd;
    Stack stack;
    /// False: the holders were not asked for (diagnosis=stack, or an event that has none).
    bool holders_asked = false;
    HolderReport holders;
    HostSettings host;
    /// For an event whose reason is that no port is left.
    std::optional<PortUsage> ports;
    /// The program bound the socket to a port itself.
    bool chose_port = false;
    /// The peer of the first connected holder listens in this network: that holder dialled out.
    bool peer_listens = false;
    /// The port that was asked for is that of a client whose connection this process has accepted.
    bool serves_client_on_port = false;
    /// kill(2) would be allowed for the first owner of the first holder.
    bool may_stop_owner = false;
    /// For mode=observe: enforce would have tried SO_REUSEADDR.
    bool would_try_cure = false;
    /// What could not be found out, beside HolderReport::missing.
    std::vector<std::string> missing;
};

/// What a report is made from.
struct Inquiry {
    /// Lives as long as the facts do.
    const Snapshot& snapshot;
    /// A duplicate of the program's; -1: there is none.
    int socket = -1;
    ProgramMemory& memory;
    /// For everything.
    const Deadline& deadline;
    /// Processes that are ours and no holders, in spite of the descriptors that they have.
    std::vector<pid_t> own_processes;
};

/// Asks the kernel and /proc, as far as config.diagnosis allows and the deadline.
Facts gather_facts(const Inquiry& inquiry);

} // namespace portguard
