#include <sys/socket.h>
#include <unistd.h>

#include "core/policy.h"
#include "kernel/socket_option.h"
#include "preload/guard.h"
#include "preload/host_plan.h"
#include "tools/supervise/answer.h"
#include "tools/supervise/worn_rights.h"

namespace portguard::tools {
namespace {

/// The range for a socket of which nothing but its kind is known: connect(2) is not seen here, nor sendto.
Verdict decide_new(SocketFacts facts) {
    const Config& config = guard::config();
    const OutgoingPlan plan = host_plan::plan();
    return facts.protocol() == Protocol::udp ? decide_socket(config, plan, facts)
                                             : decide_connect(config, plan, facts);
}

/// -1: whatever stands in the way, the program meets it, too, or something else that is its own.
int make_socket(const Supervision& supervision, const Caller& caller, const Request& request,
                const Verdict& verdict) {
    Surroundings theirs;
    if (!caller.read_surroundings(theirs) || !theirs.are_those_of(supervision.own)) {
        return -1;
    }
    const UnderIdsOf ids(theirs, supervision.own);
    if (!ids.is_worn()) {
        return -1;
    }
    const int fd = ::socket(static_cast<int>(request.arguments[0]),
                            static_cast<int>(request.arguments[1]) | SOCK_CLOEXEC,
                            static_cast<int>(request.arguments[2]));
    if (fd >= 0 && !host_plan::clamp(fd, verdict.range)) {
        ::close(fd);
        return -1;
    }
    return fd;
}

} // namespace

Answer answer_to_socket(const Supervision& supervision, const Caller& caller, const Request& request) {
    const SocketFacts facts =
        facts_of_socket(static_cast<int>(request.arguments[0]), static_cast<int>(request.arguments[1]),
                        static_cast<int>(request.arguments[2]));
    if (facts.protocol() == Protocol::other) {
        return {};
    }
    const Verdict verdict = decide_new(facts);
    if (verdict.before != Before::set_port_range) {
        return {};
    }
    const int fd = make_socket(supervision, caller, request, verdict);
    if (fd < 0) {
        return {};
    }
    return {Answer::Kind::descriptor, 0, fd, (request.arguments[1] & SOCK_CLOEXEC) != 0};
}

} // namespace portguard::tools
