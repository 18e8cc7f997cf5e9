#include "explain/rescue_chance.h"

#include <algorithm>

#include "kernel/sock_destroy.h"

namespace portguard {

bool takes_reuseaddr(bool is_mptcp, SocketState state) {
    return !is_mptcp || state == SocketState::listen || state == SocketState::bound;
}

bool can_orphan_be_removed(const DiagSocket& socket) {
    return destroys_orphans() || (socket.timer_ms.has_value() && destroys_time_wait());
}

bool is_orphan(const Holder& holder) {
    return holder.socket.inode == 0 && holder.socket.state != SocketState::time_wait &&
           yields_to_reuseaddr(holder.socket.state);
}

RescueChance rescue_chance(const Facts& facts) {
    RescueChance chance{Permission::granted, {}};
    bool time_wait = false;
    bool orphans = false;
    for (std::size_t index = 0; index < facts.holders.holders.size(); ++index) {
        const Holder& holder = facts.holders.holders[index];
        if (facts.about[index].conflicts == false || holder.socket.is_hold()) {
            continue;
        }
        const bool is_time_wait = holder.socket.state == SocketState::time_wait;
        const bool stays = (is_time_wait && !destroys_time_wait()) ||
                           (is_orphan(holder) && !can_orphan_be_removed(holder.socket));
        if (stays || !yields_to_reuseaddr(holder.socket.state)) {
            return {};
        }
        time_wait = time_wait || is_time_wait;
        orphans = orphans || is_orphan(holder);
        const bool has_no_process = holder.socket.inode == 0;
        chance.permission = std::max(chance.permission,
                                     has_no_process ? facts.rights.net_admin : facts.about[index].flagging);
    }
    chance.options = std::string(time_wait ? " --time-wait" : "") + (orphans ? " --orphans" : "");
    return chance;
}

} // namespace portguard
