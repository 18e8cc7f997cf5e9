#include "kernel/overlap.h"

#include <algorithm>

namespace portguard {
namespace {

bool is_dual_wildcard(const Endpoint& endpoint, bool v6only) {
    return endpoint.family == Family::ipv6 && endpoint.is_wildcard() && !v6only;
}

} // namespace

bool overlaps(const AskedAddress& asked, const DiagSocket& holder) {
    const Endpoint& mine = asked.endpoint;
    const Endpoint& theirs = holder.local;
    if (mine.port != theirs.port) {
        return false;
    }
    if (asked.device != 0 && holder.device != 0 && asked.device != holder.device) {
        return false;
    }
    if (mine.family == theirs.family) {
        return mine.is_wildcard() || theirs.is_wildcard() || mine.address == theirs.address;
    }
    return is_dual_wildcard(mine, asked.v6only) || is_dual_wildcard(theirs, holder.v6only.value_or(false));
}

bool yields_to_reuseaddr(SocketState state) {
    switch (state) {
    case SocketState::established:
    case SocketState::syn_sent:
    case SocketState::fin_wait1:
    case SocketState::fin_wait2:
    case SocketState::time_wait:
    case SocketState::close_wait:
    case SocketState::last_ack:
    case SocketState::closing: return true;
    case SocketState::unknown:
    case SocketState::listen:
    case SocketState::bound:
    case SocketState::unconnected: break;
    }
    return false;
}

bool may_cure(const AskedAddress& asked, std::span<const DiagSocket> holders) {
    bool any_yields = false;
    for (const DiagSocket& holder : holders) {
        if (!overlaps(asked, holder)) {
            continue;
        }
        if (holder.state == SocketState::bound && !holder.is_hold()) {
            return false;
        }
        any_yields = any_yields || holder.is_hold() || yields_to_reuseaddr(holder.state);
    }
    return any_yields;
}

} // namespace portguard
