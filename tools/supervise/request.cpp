#include "tools/supervise/request.h"

#include <linux/net.h>

#include "tools/supervise/caller.h"

namespace portguard::tools {
namespace {

Wish wish_of(unsigned number, const CallNumbers& numbers) {
    return number == numbers.socket                               ? Wish::socket
           : number == numbers.bind                               ? Wish::bind
           : number == numbers.listen                             ? Wish::listen
           : number == numbers.setns || number == numbers.unshare ? Wish::network
           : number == landlock_call                              ? Wish::landlock
           : number == io_uring_call                              ? Wish::io_uring
                                                                  : Wish::other;
}

/// What is read may be exchanged by another thread of the program: it is what is decided on and done, and no
/// call that the program makes itself follows from it but by its own leave.
bool read_socketcall(const seccomp_notif& notification, Request& request) {
    std::uint32_t words[3] = {};
    const std::uint64_t call = notification.data.args[0];
    const std::size_t count = call == SYS_LISTEN ? 2 : 3;
    if (!read_memory_of(static_cast<pid_t>(notification.pid), notification.data.args[1], words,
                        count * sizeof words[0])) {
        return false;
    }
    for (std::size_t index = 0; index < count; ++index) {
        request.arguments[index] = words[index];
    }
    request.wish = call == SYS_SOCKET   ? Wish::socket
                   : call == SYS_BIND   ? Wish::bind
                   : call == SYS_LISTEN ? Wish::listen
                                        : Wish::other;
    return true;
}

} // namespace

bool read_passed_address(pid_t tid, const Request& request, PassedAddress& address) {
    const std::uint64_t length = request.arguments[2] & 0xffffffffU;
    if (length < sizeof(sa_family_t) || length > sizeof address.storage ||
        !read_memory_of(tid, request.arguments[1], &address.storage, length)) {
        return false;
    }
    address.length = static_cast<socklen_t>(length);
    return true;
}

std::optional<Request> read_request(const seccomp_notif& notification) {
    Request request;
    const auto number = static_cast<unsigned>(notification.data.nr);
    request.is_foreign = notification.data.arch != native_arch;
    if (request.is_foreign && foreign_calls.socketcall != 0 && number == foreign_calls.socketcall) {
        return read_socketcall(notification, request) ? std::optional(request) : std::nullopt;
    }
    for (std::size_t index = 0; index < 3; ++index) {
        request.arguments[index] = notification.data.args[index];
    }
    request.wish =
        request.is_foreign ? wish_of(number, foreign_calls.calls) : wish_of(number & ~x32_bit, native_calls);
    return request;
}

} // namespace portguard::tools
