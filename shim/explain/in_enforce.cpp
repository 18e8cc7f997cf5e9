#include "explain/in_enforce.h"

#include <algorithm>

namespace portguard {

std::string enforce_words(const Facts& facts) {
    if (facts.config->mode != Mode::observe || facts.event.kind != EventKind::in_use ||
        !facts.event.unix_name.empty()) {
        return {};
    }
    const auto& holders = facts.holders.holders;
    const auto listens = [](const Holder& holder) { return holder.socket.state == SocketState::listen; };
    if (!facts.would_try_cure || std::any_of(holders.begin(), holders.end(), listens)) {
        return "enforce would have failed as well";
    }
    const auto shares = [](const Holder& holder) {
        return holder.reuseaddr == true || holder.socket.is_hold();
    };
    const auto refuses = [](const Holder& holder) { return holder.reuseaddr == false; };
    if (std::any_of(holders.begin(), holders.end(), refuses)) {
        return "enforce would have set SO_REUSEADDR and failed as well, since the holder does not have it";
    }
    // The kernel does not tell the flag of a socket without a process.
    return std::all_of(holders.begin(), holders.end(), shares)
               ? "enforce would have set SO_REUSEADDR and bound"
               : "enforce would have set SO_REUSEADDR and, if the holder has it, too, bound";
}

} // namespace portguard
