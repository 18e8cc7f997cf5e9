#include "kernel/port_look.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ctime>

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "kernel/diag_message.h"
#include "kernel/kernel_call.h"

namespace portguard {
namespace {

/// On the kernel's own clock: the program's may stand still (libfaketime).
std::int64_t now_ms() {
    timespec now{};
    kernel_call(SYS_clock_gettime, CLOCK_MONOTONIC, as_argument(&now));
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

class Look {
public:
    Look(const AskedAddress& asked, std::uint64_t own_inode, std::span<std::byte> buffer, unsigned budget_ms,
         SeenSockets* seen)
        : asked_(asked), own_inode_(own_inode), buffer_(buffer), end_ms_(now_ms() + budget_ms), seen_(seen),
          fd_(kernel_call(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)) {}
    Look(const Look&) = delete;
    Look& operator=(const Look&) = delete;
    ~Look() {
        if (fd_ >= 0) {
            kernel_call(SYS_close, fd_);
        }
    }

    PortLook run() {
        if (fd_ < 0 || buffer_.size() < dump_datagram_size) {
            return result_;
        }
        // By cost, and by what may end it: two servers that want one port, the common case, cost one table of
        // few sockets. One that yields decides only among the connected, when it is known who listens and who
        // is bound.
        const bool all_at_once = seen_ != nullptr && seen_->wants_all;
        for (const std::uint32_t states :
             {all_at_once ? diag_listen | diag_bound | diag_connected : diag_listen, diag_bound,
              diag_connected}) {
            reading_connected_ = (states & diag_connected) != 0;
            if (!read_families(states)) {
                return result_;
            }
            if (is_decided() || all_at_once) {
                is_cut_ = is_cut_ || !reading_connected_;
                break;
            }
        }
        result_.complete = true;
        if (seen_ != nullptr) {
            seen_->whole = !is_cut_;
        }
        return result_;
    }

private:
    [[nodiscard]] bool is_decided() const {
        return result_.listener || result_.bound_only || (reading_connected_ && result_.yields);
    }

    /// Nothing more can be learnt, or is wanted.
    [[nodiscard]] bool is_over() const {
        const bool collects = seen_ != nullptr && !is_cut_ && reading_connected_;
        const bool is_certain = result_.listener || result_.bound_only;
        return is_decided() && (!collects || (is_certain && !seen_->wants_all));
    }

    bool read_families(std::uint32_t states) {
        // An address that only IPv6 has is in no IPv4 socket's way.
        const bool only_ipv6 = asked_.endpoint.family == Family::ipv6 && !asked_.endpoint.is_wildcard();
        if (!only_ipv6 && knows_both_at_once_) {
            if (dump(AF_UNSPEC, states) == 0) {
                return true;
            }
            knows_both_at_once_ = false;
        }
        // Without IPv6 in the kernel there is nothing to ask.
        if (const int error = dump(AF_INET6, states); error != 0 && error != ENOENT) {
            return false;
        }
        if (only_ipv6) {
            return true;
        }
        if (is_over()) {
            is_cut_ = true;
            return true;
        }
        return dump(AF_INET, states) == 0 || is_decided();
    }

    /// 0, or an errno. One that was interrupted is read again, since a socket may be missing in it.
    int dump(int family, std::uint32_t states) {
        constexpr int attempts = 3;
        const PortRange port{asked_.endpoint.port, asked_.endpoint.port};
        const std::size_t used_before = seen_ != nullptr ? seen_->used : 0;
        for (int attempt = 0; attempt < attempts; ++attempt) {
            NetlinkRequest request = dump_request(family, Protocol::tcp, port, states, ++sequence_);
            if (const long sent = send(request.bytes()); sent < 0) {
                return static_cast<int>(-sent);
            }
            DumpParser parser(Protocol::tcp, port, sequence_);
            const int error = receive(parser);
            if (is_decided()) {
                is_cut_ = is_cut_ || error != 0 || parser.interrupted();
                return 0;
            }
            if (error != 0 || !parser.interrupted()) {
                return error;
            }
            if (seen_ != nullptr) {
                seen_->used = used_before;
            }
        }
        return EAGAIN;
    }

    long send(std::span<const std::byte> bytes) const {
        return kernel_call(SYS_sendto, fd_, as_argument(bytes.data()), static_cast<long>(bytes.size()), 0, 0,
                           0);
    }

    /// Each datagram of a dump is made by the call before: by send, then by recv. None is waited for.
    int receive(DumpParser& parser) {
        while (now_ms() < end_ms_) {
            const long length =
                kernel_call(SYS_recvfrom, fd_, as_argument(buffer_.data()), static_cast<long>(buffer_.size()),
                            MSG_DONTWAIT | MSG_TRUNC, 0, 0);
            if (length <= 0) {
                return length == 0 ? EBADMSG : static_cast<int>(-length);
            }
            if (static_cast<std::size_t>(length) > buffer_.size()) {
                return EBADMSG;
            }
            const DumpProgress progress =
                read_datagram(parser, buffer_.first(static_cast<std::size_t>(length)));
            if (progress == DumpProgress::failed) {
                return parser.error();
            }
            if (progress == DumpProgress::malformed) {
                return EBADMSG;
            }
            if (progress == DumpProgress::done) {
                return 0;
            }
            if (is_over()) {
                is_cut_ = true;
                return 0;
            }
        }
        return ETIME;
    }

    DumpProgress read_datagram(DumpParser& parser, std::span<const std::byte> bytes) {
        DiagSocket socket;
        DumpProgress progress = parser.next(bytes, socket);
        for (; progress == DumpProgress::socket; progress = parser.next(bytes, socket)) {
            if ((socket.inode == 0 || socket.inode != own_inode_) && overlaps(asked_, socket)) {
                note(socket);
                keep(parser.message());
            }
        }
        return progress;
    }

    void note(const DiagSocket& socket) {
        result_.listener = result_.listener || socket.state == SocketState::listen;
        result_.bound_only = result_.bound_only || (socket.state == SocketState::bound && !socket.is_hold());
        result_.yields = result_.yields || socket.is_hold() || yields_to_reuseaddr(socket.state);
    }

    void keep(std::span<const std::byte> message) {
        if (seen_ == nullptr || is_cut_) {
            return;
        }
        if (message.size() > seen_->room.size() - seen_->used) {
            is_cut_ = seen_->is_full = true;
            return;
        }
        std::byte* const kept = seen_->room.data() + seen_->used;
        std::memcpy(kept, message.data(), message.size());
        std::memcpy(kept + offsetof(nlmsghdr, nlmsg_seq), &seen_sequence, sizeof seen_sequence);
        seen_->used += message.size();
    }

    const AskedAddress& asked_;
    std::uint64_t own_inode_;
    std::span<std::byte> buffer_;
    std::int64_t end_ms_;
    SeenSockets* seen_;
    long fd_;
    std::uint32_t sequence_ = 0;
    bool knows_both_at_once_ = true;
    bool reading_connected_ = false;
    /// Not all that overlaps was read, or kept.
    bool is_cut_ = false;
    PortLook result_;
};

} // namespace

PortLook look_at_port(const AskedAddress& asked, std::uint64_t own_inode, std::span<std::byte> buffer,
                      unsigned budget_ms, SeenSockets* seen) {
    return Look(asked, own_inode, buffer, budget_ms, seen).run();
}

} // namespace portguard
