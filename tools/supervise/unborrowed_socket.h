// The program's socket where no descriptor of it can be had (pidfd_getfd(2) is forbidden): what /proc and the
// lists of the kernel show of it.
#pragma once

#include <cstdint>

#include "core/endpoint.h"
#include "core/socket_facts.h"
#include "tools/supervise/caller.h"

namespace portguard::tools {

class UnborrowedSocket {
public:
    UnborrowedSocket(const Caller& caller, int program_fd);
    UnborrowedSocket(const UnborrowedSocket&) = delete;
    UnborrowedSocket& operator=(const UnborrowedSocket&) = delete;
    ~UnborrowedSocket();

    /// Protocol::other: not a socket of TCP, MPTCP or UDP, or /proc does not show it. Nothing else is known.
    [[nodiscard]] SocketFacts facts() const { return SocketFacts::of(protocol_); }
    /// 0: not shown.
    [[nodiscard]] std::uint64_t inode() const { return inode_; }
    /// One of the supervisor's, of its family and protocol; -1: none can be made.
    [[nodiscard]] int stand_in() const { return stand_in_; }
    /// Of TCP, bound and not connected: its address (Linux 6.8). Family::other: it is not among those. Of
    /// MPTCP the lists show a socket without an inode.
    [[nodiscard]] Endpoint local_address() const;
    /// The errno of bind(2) to this address that no option of the socket would change; 0: it may go through.
    /// For TCP. `may_take`: nobody is kept from the port who would not be without this.
    [[nodiscard]] int certain_error(const sockaddr* address, socklen_t length, bool may_take) const;

private:
    int family_ = 0;
    Protocol protocol_ = Protocol::other;
    std::uint64_t inode_ = 0;
    int stand_in_ = -1;
};

} // namespace portguard::tools
