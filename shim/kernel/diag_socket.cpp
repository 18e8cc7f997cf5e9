#include "kernel/diag_socket.h"

#include <algorithm>

namespace portguard {
namespace {

constexpr std::array<std::string_view, 12> state_names{
    "UNKNOWN",    "ESTABLISHED", "SYN_SENT", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
    "CLOSE_WAIT", "LAST_ACK",    "LISTEN",   "CLOSING",   "BOUND",     "UNCONN",
};

} // namespace

std::string_view state_name(SocketState state) {
    return state_names[static_cast<std::size_t>(state)];
}

std::optional<SocketState> state_named(std::string_view name) {
    const auto* const found = std::find(state_names.begin(), state_names.end(), name);
    return found == state_names.end() ? std::nullopt
                                      : std::optional(static_cast<SocketState>(found - state_names.begin()));
}

} // namespace portguard
