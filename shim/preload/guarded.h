// What happens around a call that is the guard's business. Apart from the hooks, so that a call which is none
// of it saves no register.
#pragma once

#include <sys/socket.h>

#include "core/policy.h"
#include "preload/guard.h"
#include "preload/host_plan.h"

namespace portguard {

int guarded_bind(int fd, const sockaddr* address, socklen_t length, SocketFacts facts);
int guarded_listen(int fd, int backlog, SocketFacts facts);
/// A cancellation point, as connect(2) is: no object with a destructor lives across it (H10).
int guarded_connect(int fd, const sockaddr* address, socklen_t length, SocketFacts facts);

/// The kernel has refused the range of a verdict. `again`: decided anew, since the range may have turned out
/// not to be known to it, and the plan is another one then.
Verdict without_refused_range(const Verdict& again, SocketFacts facts);

/// Sets the range that `verdict` asks for, and returns what is left to do. `decide` makes a verdict of a
/// plan.
template <typename Decide>
Verdict set_range(int fd, const Verdict& verdict, SocketFacts facts, Decide decide) {
    if (verdict.before != Before::set_port_range) {
        return verdict;
    }
    if (host_plan::clamp(fd, verdict.range)) {
        return {.other_range = verdict.other_range, .next = verdict.next};
    }
    return without_refused_range(decide(host_plan::plan()), facts);
}

} // namespace portguard
