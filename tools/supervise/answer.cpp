#include "tools/supervise/answer.h"

#include "preload/guard.h"
#include "tools/supervise/caller_cache.h"
#include "tools/supervise/io_uring_notice.h"

namespace portguard::tools {
namespace {

/// A call that somebody else has judged, or that nobody is to.
bool is_none_of_ours(const Supervision& supervision, const Caller& caller, Wish wish) {
    const Config& config = guard::config();
    if (config.only[0] != '\0' && !is_active_in(config, caller.program_name())) {
        return true;
    }
    // A socket that has its range already is given the same once more.
    if (wish == Wish::socket) {
        return false;
    }
    const FileIdentity program = caller.program_file();
    return program == supervision.own_programs[0] || program == supervision.own_programs[1] ||
           (supervision.beside_library && caller.is_judged());
}

} // namespace

Answer answer_to(const Supervision& supervision, const seccomp_notif& notification, bool is_second_try) {
    const std::optional<Request> request = read_request(notification);
    if (!request.has_value() || request->wish == Wish::other) {
        return {};
    }
    if (request->wish == Wish::landlock) {
        supervision.tree->has_landlock.store(true, std::memory_order_relaxed);
        return {};
    }
    if (request->wish == Wish::network) {
        supervision.tree->may_change_network.store(true, std::memory_order_relaxed);
        return {};
    }
    // Of this thread.
    static thread_local CallerCache cache;
    cache.trust_networks(!supervision.tree->may_change_network.load(std::memory_order_relaxed));
    const Caller caller(static_cast<pid_t>(notification.pid), request->is_foreign, &cache);
    if (request->wish == Wish::io_uring) {
        if (supervision.counts->io_urings.fetch_add(1, std::memory_order_relaxed) == 0 &&
            supervision.tells_io_uring) {
            tell_io_uring(caller);
        }
        return {};
    }
    if (is_none_of_ours(supervision, caller, request->wish)) {
        return {};
    }
    switch (request->wish) {
    case Wish::socket: return answer_to_socket(supervision, caller, *request);
    case Wish::bind: return answer_to_bind(supervision, caller, *request, notification.id, is_second_try);
    default: return answer_to_listen(supervision, caller, *request, notification.id);
    }
}

} // namespace portguard::tools
