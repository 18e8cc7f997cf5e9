#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <sys/ioctl.h>

#include "core/policy.h"
#include "preload/aftermath.h"
#include "preload/guard.h"
#include "preload/guarded.h"
#include "tools/supervise/borrowed_socket.h"
#include "tools/supervise/current_caller.h"
#include "tools/supervise/worn_rights.h"

namespace portguard::tools {
namespace {

Answer result(int returned) {
    return {Answer::Kind::result, returned == 0 ? 0 : errno, -1, false};
}

/// What is not the policy's, or passes unjudged.
Answer pass_unguarded(const Supervision& supervision, const BorrowedSocket& socket) {
    if (socket.is_of_other_network()) {
        supervision.counts->in_other_network.fetch_add(1, std::memory_order_relaxed);
    }
    return {};
}

/// The plan has been asked, and nothing else will be.
Answer pass_after_plan(const Supervision& supervision) {
    supervision.counts->in_other_surroundings.fetch_add(1, std::memory_order_relaxed);
    return {};
}

bool may_act_for(const Supervision& supervision, const Caller& caller) {
    Surroundings theirs;
    return !supervision.tree->has_landlock.load(std::memory_order_relaxed) &&
           caller.read_surroundings(theirs) && theirs.are_those_of(supervision.own);
}

/// A supervisor before this one may have made the call, and been killed before it could say so.
bool has_been_made(const BorrowedSocket& socket, const sockaddr* address, socklen_t length) {
    const socket_state::LocalAddress local = socket_state::local_address(socket.fd());
    const Endpoint has = read_endpoint(local.get(), local.length);
    const Endpoint asked = read_endpoint(address, length);
    return has.port != 0 && has.address == asked.address && (asked.port == 0 || asked.port == has.port);
}

/// Where this process cannot take the program's place: refused by the plan, or the program's own business.
Answer refuse_or_pass(const Supervision& supervision, const BorrowedSocket& socket, const sockaddr* address,
                      socklen_t length, Target target) {
    Verdict verdict = decide_bind(guard::config(), host_plan::plan(), socket.facts(), target);
    if (verdict.before == Before::refuse && refuse_bind(socket.fd(), address, length, target, verdict)) {
        return result(-1);
    }
    fd_memory::remember(socket.fd(), verdict.next);
    socket.keep_facts();
    return pass_after_plan(supervision);
}

Answer bind_for(const Supervision& supervision, const Caller& caller, const BorrowedSocket& socket,
                const sockaddr* address, socklen_t length) {
    const Target target = read_target(address, length);
    if (target.family == Family::other) {
        return {};
    }
    if (!may_act_for(supervision, caller)) {
        return refuse_or_pass(supervision, socket, address, length, target);
    }
    const bool is_low = target.port != 0 && target.port < supervision.first_unprivileged_port;
    const WithoutLowPorts rights(is_low && !caller.may_bind_low_ports());
    const Answer answer = result(guarded_bind(socket.fd(), address, length, socket.facts()));
    if (answer.error == 0) {
        socket.keep_facts();
    }
    return answer;
}

} // namespace

bool is_waiting(int listener, std::uint64_t id) {
    return ::ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

Answer answer_to_bind(const Supervision& supervision, const Caller& caller, const Request& request,
                      std::uint64_t id, bool is_second_try) {
    const auto program_fd = static_cast<int>(request.arguments[0]);
    const UnderPtraceIdsOf ids(caller, supervision.own, !supervision.has_ptrace_right);
    const BorrowedSocket socket(supervision, caller, program_fd);
    if (socket.is_forbidden()) {
        return answer_to_unborrowed_bind(supervision, caller, request, id);
    }
    PassedAddress address;
    if (!read_passed_address(caller.tid(), request, address)) {
        return {};
    }
    if (!is_waiting(supervision.listener, id)) {
        return given_up;
    }
    if (!socket.is_guarded()) {
        return pass_unguarded(supervision, socket);
    }
    if (is_second_try && has_been_made(socket, address.get(), address.length)) {
        return result(0);
    }
    const ServedCaller served(caller, program_fd, SocketAsked::its_own);
    return bind_for(supervision, caller, socket, address.get(), address.length);
}

Answer answer_to_listen(const Supervision& supervision, const Caller& caller, const Request& request,
                        std::uint64_t id) {
    const auto program_fd = static_cast<int>(request.arguments[0]);
    const UnderPtraceIdsOf ids(caller, supervision.own, !supervision.has_ptrace_right);
    const BorrowedSocket socket(supervision, caller, program_fd);
    if (socket.is_forbidden()) {
        return answer_to_unborrowed_listen(supervision, caller, request, id);
    }
    if (!is_waiting(supervision.listener, id)) {
        return given_up;
    }
    if (!socket.is_guarded()) {
        return pass_unguarded(supervision, socket);
    }
    const ServedCaller served(caller, program_fd, SocketAsked::its_own);
    if (!may_act_for(supervision, caller)) {
        const OutgoingPlan plan = host_plan::plan();
        const Verdict verdict = decide_listen(guard::config(), plan, socket.facts());
        return verdict.before == Before::refuse && refuse_listen(socket.fd(), plan)
                   ? result(-1)
                   : pass_after_plan(supervision);
    }
    const Answer answer =
        result(guarded_listen(socket.fd(), static_cast<int>(request.arguments[1]), socket.facts()));
    if (answer.error == 0) {
        socket.keep_facts();
    }
    return answer;
}

} // namespace portguard::tools
