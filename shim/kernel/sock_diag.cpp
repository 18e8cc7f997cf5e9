#include "kernel/sock_diag.h"

#include <cerrno>
#include <span>

#include <linux/netlink.h>
#include <sys/socket.h>

namespace portguard {
namespace {

/// Waits until something can be read. 0, or an errno.
int wait_readable(int fd, const Deadline& deadline, const Syscalls& syscalls) {
    while (true) {
        pollfd entry{fd, POLLIN, 0};
        const int ready = syscalls.poll(&entry, 1, deadline.remaining_ms());
        if (ready > 0) {
            return 0;
        }
        if (ready == 0) {
            return ETIME;
        }
        if (errno != EINTR) {
            return errno;
        }
        if (deadline.passed()) {
            return ETIME;
        }
    }
}

int send_request(int fd, std::span<const std::byte> request, const Syscalls& syscalls) {
    while (syscalls.send(fd, request.data(), request.size(), 0) < 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

/// Reads one dump to its end. 0, or an errno.
int receive_dump(int fd, DumpParser& parser, const Deadline& deadline, const Syscalls& syscalls,
                 std::vector<DiagSocket>& out) {
    std::vector<std::byte> answer(dump_datagram_size);
    while (true) {
        if (const int error = wait_readable(fd, deadline, syscalls); error != 0) {
            return error;
        }
        const ssize_t length = syscalls.recv(fd, answer.data(), answer.size(), MSG_DONTWAIT | MSG_TRUNC);
        if (length < 0 && (errno == EINTR || errno == EAGAIN)) {
            if (deadline.passed()) {
                return ETIME;
            }
            continue;
        }
        if (length < 0) {
            return errno;
        }
        if (static_cast<std::size_t>(length) > answer.size()) {
            return EBADMSG;
        }
        switch (parser.feed(std::span(answer).first(static_cast<std::size_t>(length)), out)) {
        case DumpProgress::socket:
        case DumpProgress::more: break;
        case DumpProgress::done: return 0;
        case DumpProgress::failed: return parser.error();
        case DumpProgress::malformed: return EBADMSG;
        }
    }
}

} // namespace

DumpResult dump_sockets(int family, Protocol protocol, PortRange ports, std::uint32_t states,
                        const Deadline& deadline, const Syscalls& syscalls, std::vector<DiagSocket>& out,
                        std::uint16_t remote_port) {
    const ScopedFd fd(syscalls.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), syscalls);
    if (!fd.valid()) {
        return {errno};
    }
    constexpr std::uint32_t attempts = 2;
    const std::size_t before = out.size();
    for (std::uint32_t sequence = 1; sequence <= attempts; ++sequence) {
        NetlinkRequest request = dump_request(family, protocol, ports, states, sequence, remote_port);
        if (const int error = send_request(fd.get(), request.bytes(), syscalls); error != 0) {
            return {error};
        }
        DumpParser parser(protocol, ports, sequence);
        const int error = receive_dump(fd.get(), parser, deadline, syscalls, out);
        if (error != 0 || !parser.interrupted()) {
            return {error};
        }
        if (sequence < attempts) {
            out.resize(before);
        }
    }
    return {EAGAIN};
}

DumpResult dump_both_families(Protocol protocol, PortRange ports, std::uint32_t states,
                              const Deadline& deadline, const Syscalls& syscalls,
                              std::vector<DiagSocket>& out, std::uint16_t remote_port) {
    const std::size_t before = out.size();
    const auto dump = [&](int family) {
        return dump_sockets(family, protocol, ports, states, deadline, syscalls, out, remote_port);
    };
    if (protocol != Protocol::udp) {
        if (dump(AF_UNSPEC).error == 0) {
            return {};
        }
        out.resize(before);
    }
    if (const DumpResult result = dump(AF_INET6); result.error != 0 && result.error != ENOENT) {
        return result;
    }
    return dump(AF_INET);
}

} // namespace portguard
