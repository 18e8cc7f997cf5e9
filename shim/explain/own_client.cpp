#include "explain/own_client.h"

#include <algorithm>
#include <limits>
#include <vector>

#include <sys/socket.h>

#include "kernel/owner_search.h"
#include "kernel/process_fds.h"
#include "kernel/sock_diag.h"

namespace portguard {
namespace {

constexpr std::uint32_t diag_open = diag_connected & ~(1U << 6); // no process has a TIME_WAIT

std::vector<std::uint32_t> accepted_from(std::uint16_t port, PortRange ephemeral, const Deadline& deadline,
                                         const Syscalls& syscalls) {
    std::vector<DiagSocket> sockets;
    // What is not told is not seen, and proves nothing.
    dump_both_families(Protocol::tcp, {}, diag_open, deadline, syscalls, sockets, port);
    std::vector<std::uint32_t> inodes;
    for (const DiagSocket& socket : sockets) {
        if (socket.remote.port == port && !ephemeral.contains(socket.local.port) && socket.inode != 0) {
            inodes.push_back(socket.inode);
        }
    }
    std::sort(inodes.begin(), inodes.end());
    return inodes;
}

} // namespace

bool serves_client_on(std::uint16_t port, pid_t pid, PortRange ephemeral, const Deadline& deadline,
                      const Syscalls& syscalls) {
    const std::vector<std::uint32_t> inodes = accepted_from(port, ephemeral, deadline, syscalls);
    if (inodes.empty()) {
        return false;
    }
    std::vector<FdOwner> owners;
    std::size_t most = std::numeric_limits<std::size_t>::max();
    collect_fds(pid, false, {inodes, are_fds_counted(syscalls), deadline, syscalls}, most, owners);
    return !owners.empty();
}

} // namespace portguard
