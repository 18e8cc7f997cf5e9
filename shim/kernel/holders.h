// Who holds a port: the one look-up behind the diagnosis and behind `portguard who`, `check` and `rescue`.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/event.h"
#include "kernel/overlap.h"
#include "kernel/proc.h"
#include "kernel/sock_diag.h"
#include "kernel/syscalls.h"

namespace portguard {

/// A descriptor that refers to a holder.
struct Owner {
    /// Index in HolderReport::processes.
    std::size_t process = 0;
    int fd = -1;
};

enum class OwnerStatus : std::uint8_t {
    /// HolderOptions::owners was off, or time ran out before.
    not_asked,
    found,
    /// The kernel's own: TIME_WAIT, or a connection whose program has closed it.
    kernel,
    /// Some process has it, and this user may not see whose descriptors are whose.
    not_visible,
    /// All of /proc was read and no process has it: another pid namespace, a socket of the kernel's own
    /// (VXLAN, NFS), a descriptor in flight (SCM_RIGHTS), io_uring.
    nobody,
    /// The socket was gone when /proc had been read.
    ended,
};

struct Holder {
    DiagSocket socket;
    /// Unknown where the owner's descriptor cannot be borrowed (pidfd.h), or there is none.
    std::optional<bool> reuseaddr;
    std::optional<bool> reuseport;
    /// It belongs to an MPTCP socket; unknown as the flags are.
    std::optional<bool> mptcp;
    /// errno of reading these three; 0: none, or not tried.
    int flags_error = 0;
    OwnerStatus owner_status = OwnerStatus::not_asked;
    /// Parents before their children.
    std::vector<Owner> owners;
    /// Of a unix socket, which has no addresses: its path, or its abstract name behind a NUL.
    std::string unix_name;
};

/// Ports beside the one that was asked for, seen in the same walk through the kernel's tables.
struct Neighbours {
    /// Empty: none was looked at.
    PortRange ports;
    /// Those of them on which a socket is, in any state, on any address, in either family; sorted.
    std::vector<std::uint16_t> taken;
};

struct HolderReport {
    /// Those that overlap what was asked. Listening and bound ones first, TIME_WAIT last.
    std::vector<Holder> holders;
    /// Every process that owns one.
    std::vector<ProcessInfo> processes;
    /// The kernel answered for every list that was asked; otherwise there may be more holders.
    bool sockets_complete = true;
    Neighbours neighbours;
    /// What could not be found out, each a clause without a full stop.
    std::vector<std::string> missing;

    [[nodiscard]] const ProcessInfo& process_of(const Owner& owner) const { return processes[owner.process]; }
};

struct HolderOptions {
    /// For everything; what was not reached is told in `missing`.
    std::chrono::milliseconds budget{200};
    /// Read /proc for the owners.
    bool owners = true;
    /// Read SO_REUSEADDR and SO_REUSEPORT through pidfd_getfd; needs `owners`.
    bool flags = true;
    /// Of connections, too, where a listener is among the holders: with it there, theirs decide nothing.
    bool accepted_flags = true;
    /// Descriptors that are read beyond the first owner of each socket, for the others that share it: as many
    /// as all processes of a small host have. Each costs 1 to 5 µs.
    std::size_t most_other_fds = 8192;
    /// OwnerHints::compares.
    bool compares = true;
    /// diag_listen and its kin (diag_message.h): which holders are looked for. Listeners alone cost a
    /// hundredth of all.
    std::uint32_t states = diag_all;
    /// So many ports below and above are looked at as well, for whoever needs another one: each walk through
    /// all connections costs 0.15 ms and, where there are 50,000, 7 ms more.
    std::uint16_t neighbours = 0;
    /// A bound socket that does not listen has to stay for so long: who reads the descriptors of its process
    /// in /proc puts off their close for a moment, and a server that starts over and over would find its own
    /// port taken.
    std::chrono::milliseconds settles{0};
    /// Inode of a socket that is left out: the one that asks. 0: none.
    std::uint64_t left_out_inode = 0;
    Syscalls syscalls{};
};

/// `protocol`: Protocol::udp, else TCP. For the network namespace of the calling thread. May throw
/// std::bad_alloc, nothing else.
HolderReport find_holders(const AskedAddress& asked, Protocol protocol, const HolderOptions& options);

/// Of sockets that are known already.
HolderReport conflicts_among(const AskedAddress& asked, std::span<const DiagSocket> sockets,
                             const HolderOptions& options);

/// Its two halves: the sockets alone, and what HolderOptions wants to know of those that were found.
HolderReport find_conflicts(const AskedAddress& asked, Protocol protocol, const HolderOptions& options);
void add_details(HolderReport& report, const HolderOptions& options);

/// "EPERM", "errno 71"; for use in a sentence.
std::string describe_errno(int error);

} // namespace portguard
