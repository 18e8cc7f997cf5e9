// The sockets on one port, as the kernel shows them: NETLINK_SOCK_DIAG (sock_diag(7), net/ipv4/inet_diag.c).
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/deadline.h"
#include "kernel/diag_message.h"
#include "kernel/diag_socket.h"
#include "kernel/syscalls.h"

namespace portguard {

struct DumpResult {
    /// 0; else why the list is not whole: an errno of socket(2), send(2), recv(2) or of the kernel's answer;
    /// ETIME: the deadline passed; EBADMSG: an answer that makes no sense; EAGAIN: it changed while it was
    /// read, twice.
    int error = 0;
};

/// Appends what dump_request() asks for, of the network namespace of the calling thread.
DumpResult dump_sockets(int family, Protocol protocol, PortRange ports, std::uint32_t states,
                        const Deadline& deadline, const Syscalls& syscalls, std::vector<DiagSocket>& out,
                        std::uint16_t remote_port = 0);

/// Of both families; TCP's in one walk through the kernel's tables where it can. Without IPv6 in the kernel
/// there is nothing to ask of it, which is no error.
DumpResult dump_both_families(Protocol protocol, PortRange ports, std::uint32_t states,
                              const Deadline& deadline, const Syscalls& syscalls,
                              std::vector<DiagSocket>& out, std::uint16_t remote_port = 0);

/// Of one port; 0: any.
inline DumpResult dump_sockets(int family, Protocol protocol, std::uint16_t port, std::uint32_t states,
                               const Deadline& deadline, const Syscalls& syscalls,
                               std::vector<DiagSocket>& out, std::uint16_t remote_port = 0) {
    return dump_sockets(family, protocol, PortRange{port, port}, states, deadline, syscalls, out,
                        remote_port);
}

} // namespace portguard
