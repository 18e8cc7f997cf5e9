#include "tools/supervise/request.h"

#include <linux/net.h>
#include <sys/uio.h>

namespace portguard::tools {
namespace {

Wish wish_of(unsigned number, const CallNumbers& numbers) {
    return number == numbers.socket   ? Wish::socket
           : number == numbers.bind   ? Wish::bind
           : number == numbers.listen ? Wish::listen
           : number == landlock_call  ? Wish::landlock
                                      : Wish::other;
}

/// What is read may be exchanged by another thread of the program: it is what is decided on and done, and no
/// call that the program makes itself follows from it but by its own leave.
bool read_socketcall(const seccomp_notif& notification, Request& request) {
    std::uint32_t words[3] = {};
    const std::uint64_t call = notification.data.args[0];
    const std::size_t count = call == SYS_LISTEN ? 2 : 3;
    const iovec here{words, count * sizeof words[0]};
    const iovec there{reinterpret_cast<void*>(static_cast<std::uintptr_t>(notification.data.args[1])),
                      here.iov_len};
    if (::process_vm_readv(static_cast<pid_t>(notification.pid), &here, 1, &there, 1, 0) !=
        static_cast<ssize_t>(here.iov_len)) {
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
