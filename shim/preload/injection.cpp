#include "preload/injection.h"

#include <array>
#include <atomic>
#include <cerrno>

#include <sys/syscall.h>

#include "core/inject.h"
#include "core/policy.h"
#include "kernel/kernel_call.h"
#include "preload/occurrence.h"
#include "preload/socket_state.h"

namespace portguard::inject {
namespace {

/// Calls that matched each rule, in the process that `counted_process` names: a forked child counts its own.
constinit std::array<std::atomic<std::uint32_t>, InjectRules::capacity> counts{};
constinit std::atomic<long> counted_process{0};

void start_anew_after_fork() {
    const long process = kernel_call(SYS_getpid);
    if (counted_process.exchange(process, std::memory_order_relaxed) != process) {
        for (auto& count : counts) {
            count.store(0, std::memory_order_relaxed);
        }
    }
}

/// The errno of the first rule that falls on this call; 0: none. Every rule that matches counts it.
int error_of_call(Call call, std::uint16_t port) {
    int error = 0;
    std::size_t index = 0;
    for (const InjectRule& rule : guard::config().inject.all()) {
        std::atomic<std::uint32_t>& count = counts[index++];
        if (matches(rule, call, port) && is_due(rule, count.fetch_add(1, std::memory_order_relaxed) + 1) &&
            error == 0) {
            error = rule.error;
        }
    }
    return error;
}

Target target_of(int fd, const sockaddr* address, socklen_t length) {
    sockaddr_storage local{};
    socklen_t local_length = sizeof local;
    if (address != nullptr) {
        return read_target(address, length);
    }
    if (kernel_call(SYS_getsockname, fd, as_argument(&local), as_argument(&local_length)) != 0) {
        return {};
    }
    return read_target(reinterpret_cast<const sockaddr*>(&local), local_length);
}

} // namespace

bool fails_by_rule(int fd, Call call, const sockaddr* address, socklen_t length, SocketFacts facts) {
    const SocketFacts known = facts.protocol() == Protocol::unknown ? socket_state::facts_of(fd) : facts;
    if (known.protocol() == Protocol::other || (call == Call::connect && is_disconnect(address, length))) {
        return false;
    }
    const Target target = target_of(fd, address, length);
    if (target.family == Family::other) {
        return false;
    }
    start_anew_after_fork();
    const int error = error_of_call(call, target.port);
    if (error == 0) {
        return false;
    }
    tell({EventKind::injected, call, fd, error, address, length, known});
    errno = error;
    return true;
}

} // namespace portguard::inject
