// Without a descriptor of the program's socket: the plan is kept, and what certainly fails is reported. The
// kernel's own answer is not seen, since the program makes the call.
#include <cerrno>
#include <optional>

#include <netinet/in.h>

#include "core/policy.h"
#include "kernel/socket_address.h"
#include "preload/aftermath.h"
#include "preload/given_numbers.h"
#include "preload/guard.h"
#include "preload/host_plan.h"
#include "preload/occurrence.h"
#include "tools/supervise/answer.h"
#include "tools/supervise/current_caller.h"
#include "tools/supervise/unborrowed_socket.h"
#include "tools/supervise/worn_rights.h"

namespace portguard::tools {
namespace {

constexpr Answer refused(int error) {
    return {Answer::Kind::result, error, -1, false};
}

/// In the network that the plan was made for.
bool is_near(const Supervision& supervision, const Caller& caller) {
    Surroundings theirs;
    return caller.read_surroundings(theirs) && theirs.network == supervision.own.network;
}

/// The report would be of a call that went through, if that was due to an option of the program's socket.
void tell_certain_failure(const Supervision& supervision, const Caller& caller,
                          const UnborrowedSocket& socket, const PassedAddress& address, Target target) {
    if (!socket.facts().is_tcp_like() || target.port == 0) {
        return;
    }
    const bool lacks_right =
        target.port < supervision.first_unprivileged_port && !caller.may_bind_low_ports();
    const WithoutLowPorts rights(lacks_right);
    const int error = socket.certain_error(address.get(), address.length, lacks_right);
    if (error != 0) {
        after_failed_bind(socket.stand_in(), address.get(), address.length, socket.facts(), error);
    }
}

/// What is known of how its port came about. Nothing: a listen that the plan has nothing against.
std::optional<Verdict> judge_listen(const SocketFacts known, const UnborrowedSocket& socket,
                                    const Endpoint& local) {
    const OutgoingPlan plan = host_plan::plan();
    if (known.protocol() != Protocol::unknown) {
        return decide_listen(guard::config(), plan, known);
    }
    // Its bind was not seen, and is made up for.
    Target target;
    target.family = local.family;
    target.port = local.port;
    const Verdict verdict = decide_bind(guard::config(), plan, socket.facts(), target);
    const bool is_against = verdict.before == Before::refuse || verdict.report == DueReport::refused;
    return is_against ? std::optional(verdict) : std::nullopt;
}

bool may_have_been_given(const TreeState& tree, std::uint16_t port) {
    return given_numbers::contain(port) || (tree.has_unknown_numbers.load(std::memory_order_relaxed) &&
                                            host_plan::plan().ephemeral.contains(port));
}

} // namespace

Answer answer_to_unborrowed_bind(const Supervision& supervision, const Caller& caller, const Request& request,
                                 std::uint64_t id) {
    PassedAddress address;
    if (!is_near(supervision, caller) || !read_passed_address(caller.tid(), request, address)) {
        return {};
    }
    const auto program_fd = static_cast<int>(request.arguments[0]);
    const UnborrowedSocket socket(caller, program_fd);
    if (!is_waiting(supervision.listener, id)) {
        return given_up;
    }
    const Target target = read_target(address.get(), address.length);
    if (target.family == Family::other || socket.facts().protocol() == Protocol::other) {
        return {};
    }
    supervision.counts->not_borrowed.fetch_add(1, std::memory_order_relaxed);
    const ServedCaller served(caller, program_fd, SocketAsked::stand_in);
    Verdict verdict = decide_bind(guard::config(), host_plan::plan(), socket.facts(), target);
    if (verdict.before == Before::refuse &&
        refuse_bind(socket.stand_in(), address.get(), address.length, target, verdict)) {
        return refused(errno);
    }
    supervision.tree->unborrowed.remember(socket.inode(), verdict.next);
    if (target.port == 0) {
        supervision.tree->has_unknown_numbers.store(true, std::memory_order_relaxed);
    }
    if (verdict.report == DueReport::refused && !given_numbers::contain(target.port)) {
        tell_passed(socket.stand_in(), Call::bind, address.get(), address.length, verdict.next);
    } else {
        tell_certain_failure(supervision, caller, socket, address, target);
    }
    return {};
}

Answer answer_to_unborrowed_listen(const Supervision& supervision, const Caller& caller,
                                   const Request& request, std::uint64_t id) {
    const auto program_fd = static_cast<int>(request.arguments[0]);
    const UnborrowedSocket socket(caller, program_fd);
    if (!is_waiting(supervision.listener, id)) {
        return given_up;
    }
    const SocketFacts known = supervision.tree->unborrowed.recall(socket.inode());
    if (!is_near(supervision, caller) || !socket.facts().is_tcp_like() ||
        known.port() == PortChoice::program) {
        return {};
    }
    const Endpoint local = socket.local_address();
    if (local.port == 0 || may_have_been_given(*supervision.tree, local.port)) {
        return {};
    }
    const ServedCaller served(caller, program_fd, SocketAsked::stand_in);
    const auto verdict = judge_listen(known, socket, local);
    if (!verdict.has_value()) {
        return {};
    }
    const SocketAddress address(local);
    Occurrence occurrence{EventKind::refused, Call::listen,     socket.stand_in(), 0,
                          address.get(),      address.length(), socket.facts()};
    if (verdict->before == Before::refuse) {
        occurrence.error = refusal_errno(guard::config(), socket.facts().protocol());
        tell(occurrence);
        return refused(occurrence.error);
    }
    if (verdict->report == DueReport::refused) {
        tell_passed(socket.stand_in(), Call::listen, address.get(), address.length(), socket.facts());
    } else if (verdict->report == DueReport::ephemeral_listener) {
        occurrence.kind = EventKind::ephemeral_listener;
        tell(occurrence);
    }
    return {};
}

} // namespace portguard::tools
