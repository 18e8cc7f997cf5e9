#include "kernel/netlink_ask.h"

#include <array>
#include <cerrno>

#include "kernel/syscalls.h"

namespace portguard {

int ask_netlink(int family, NetlinkRequest& request) {
    const Syscalls syscalls;
    const ScopedFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family), syscalls);
    const auto question = request.bytes();
    if (!fd.valid() || direct::send(fd.get(), question.data(), question.size(), 0) < 0) {
        return errno;
    }
    // The kernel has answered before send(2) returns.
    std::array<std::byte, 4096> answer;
    const ssize_t length = direct::recv(fd.get(), answer.data(), answer.size(), MSG_DONTWAIT);
    if (length < 0) {
        return errno;
    }
    std::span<const std::byte> bytes(answer.data(), static_cast<std::size_t>(length));
    const auto message = take_message(bytes);
    const bool is_answer =
        message.has_value() && message->type == NLMSG_ERROR && message->payload.size() >= sizeof(int);
    return is_answer ? error_in(*message) : EBADMSG;
}

} // namespace portguard
