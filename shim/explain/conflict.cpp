#include "explain/conflict.h"

#include <algorithm>

#include "explain/facts.h"

namespace portguard {
namespace {

using Tri = std::optional<bool>;

Tri both(Tri left, Tri right) {
    if (left == false || right == false) {
        return false;
    }
    return left.has_value() && right.has_value() ? Tri(true) : std::nullopt;
}

Tri either(Tri left, Tri right) {
    if (left == true || right == true) {
        return true;
    }
    return left.has_value() && right.has_value() ? Tri(false) : std::nullopt;
}

Tri same_user(const AskedSocket& asked, const DiagSocket& holder) {
    if (holder.state == SocketState::time_wait) {
        return true; // whose it was no longer counts
    }
    return asked.uid.has_value() ? Tri(*asked.uid == holder.uid) : std::nullopt;
}

} // namespace

std::optional<bool> conflicts(const AskedSocket& asked, const Holder& holder) {
    const bool listens = holder.socket.state == SocketState::listen;
    // `portguard hold` has set it.
    const Tri their_flag = holder.socket.is_hold() ? Tri(true) : holder.reuseaddr;
    const Tri by_address = listens ? Tri(false) : both(asked.reuseaddr, their_flag);
    const Tri by_port = both(both(asked.reuseport, holder.reuseport), same_user(asked, holder.socket));
    const Tri shares = either(by_address, by_port);
    return shares.has_value() ? Tri(!*shares) : std::nullopt;
}

std::vector<pid_t> Facts::pids_in_the_way() const {
    std::vector<pid_t> pids;
    const auto add_owners = [&](std::size_t index) {
        for (const Owner& each : holders.holders[index].owners) {
            const pid_t pid = holders.process_of(each).pid;
            if (std::find(pids.begin(), pids.end(), pid) == pids.end()) {
                pids.push_back(pid);
            }
        }
    };
    if (decisive.has_value()) {
        add_owners(*decisive);
    }
    for (std::size_t index = 0; index < holders.holders.size(); ++index) {
        if (about[index].conflicts != false && !holders.holders[index].socket.is_hold()) {
            add_owners(index);
        }
    }
    return pids;
}

} // namespace portguard
