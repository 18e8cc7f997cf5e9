#include "kernel/holders.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include "kernel/sock_diag.h"

namespace portguard {
namespace {

int rank_of(SocketState state) {
    switch (state) {
    case SocketState::listen: return 0;
    case SocketState::bound:
    case SocketState::unconnected: return 1;
    case SocketState::time_wait: return 3;
    default: return 2;
    }
}

void tell_unread_list(HolderReport& report, const char* family, int error) {
    report.sockets_complete = false;
    std::string why = describe_errno(error);
    if (error == ETIME) {
        why = "out of time";
    } else if (error == EAGAIN) {
        why = "it changed while it was read";
    }
    report.missing.push_back(std::string("the list of ") + family + " sockets (" + why + ")");
}

PortRange looked_at(std::uint16_t port, const HolderOptions& options) {
    const int low = std::max(port - options.neighbours, 1);
    const int high = std::min(port + options.neighbours, 65535);
    return port == 0 ? PortRange{}
                     : PortRange{static_cast<std::uint16_t>(low), static_cast<std::uint16_t>(high)};
}

/// An address that only IPv6 has is in no IPv4 socket's way.
bool is_only_ipv6(const AskedAddress& asked) {
    return asked.endpoint.family == Family::ipv6 && !asked.endpoint.is_wildcard();
}

std::vector<DiagSocket> read_sockets(const AskedAddress& asked, Protocol protocol, const Deadline& deadline,
                                     const HolderOptions& options, HolderReport& report) {
    std::vector<DiagSocket> sockets;
    const auto dump = [&](int family) {
        return dump_sockets(family, protocol, looked_at(asked.endpoint.port, options), options.states,
                            deadline, options.syscalls, sockets)
            .error;
    };
    const bool only_ipv6 = is_only_ipv6(asked);
    if (protocol != Protocol::udp && !only_ipv6) {
        if (dump(AF_UNSPEC) == 0) {
            return sockets;
        }
        sockets.clear();
    }
    // Without IPv6 in the kernel there is nothing to ask.
    if (const int error = dump(AF_INET6); error != 0 && error != ENOENT) {
        tell_unread_list(report, "IPv6", error);
    }
    if (only_ipv6) {
        return sockets;
    }
    if (const int error = dump(AF_INET); error != 0) {
        tell_unread_list(report, "IPv4", error);
    }
    return sockets;
}

Neighbours neighbours_among(const std::vector<DiagSocket>& sockets, std::uint16_t port, PortRange ports) {
    Neighbours neighbours{ports, {}};
    for (const DiagSocket& socket : sockets) {
        if (socket.local.port != port) {
            neighbours.taken.push_back(socket.local.port);
        }
    }
    std::sort(neighbours.taken.begin(), neighbours.taken.end());
    neighbours.taken.erase(std::unique(neighbours.taken.begin(), neighbours.taken.end()),
                           neighbours.taken.end());
    return neighbours;
}

} // namespace

HolderReport conflicts_among(const AskedAddress& asked, std::span<const DiagSocket> sockets,
                             const HolderOptions& options) {
    HolderReport report;
    for (const DiagSocket& socket : sockets) {
        const bool is_asker = socket.inode != 0 && socket.inode == options.left_out_inode;
        if (!is_asker && overlaps(asked, socket)) {
            report.holders.emplace_back().socket = socket;
        }
    }
    std::stable_sort(report.holders.begin(), report.holders.end(),
                     [](const Holder& left, const Holder& right) {
                         return rank_of(left.socket.state) < rank_of(right.socket.state);
                     });
    return report;
}

HolderReport find_conflicts(const AskedAddress& asked, Protocol protocol, const HolderOptions& options) {
    HolderReport unread;
    const std::vector<DiagSocket> sockets =
        read_sockets(asked, protocol, Deadline(options.budget), options, unread);
    HolderReport report = conflicts_among(asked, sockets, options);
    report.sockets_complete = unread.sockets_complete;
    report.missing = std::move(unread.missing);
    if (options.neighbours != 0 && options.states == diag_all && report.sockets_complete &&
        !is_only_ipv6(asked)) {
        const std::uint16_t port = asked.endpoint.port;
        report.neighbours = neighbours_among(sockets, port, looked_at(port, options));
    }
    return report;
}

} // namespace portguard
