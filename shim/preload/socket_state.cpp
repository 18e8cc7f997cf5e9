#include "preload/socket_state.h"

#include <optional>

#include "core/policy.h"

namespace portguard::socket_state {

SocketFacts facts_of(int fd) {
    const std::optional<int> domain = socket_option(fd, SOL_SOCKET, SO_DOMAIN);
    const std::optional<int> type = socket_option(fd, SOL_SOCKET, SO_TYPE);
    const std::optional<int> protocol = socket_option(fd, SOL_SOCKET, SO_PROTOCOL);
    if (!domain || !type || !protocol) {
        return SocketFacts::of(Protocol::other);
    }
    SocketFacts facts = facts_of_socket(*domain, *type, *protocol);
    if (socket_option_or(fd, SOL_SOCKET, SO_REUSEADDR, 0) != 0) {
        facts = facts.with_chosen_reuseaddr();
    }
    if (socket_option_or(fd, SOL_IP, ip_local_port_range, 0) != 0) {
        facts = facts.with_chosen_range();
    }
    return facts;
}

} // namespace portguard::socket_state
