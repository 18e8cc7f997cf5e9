#include <algorithm>
#include <unordered_map>

#include "kernel/overlap.h"
#include "tools/check/host_facts.h"

namespace portguard::tools {
namespace {

bool listens(const DiagSocket& socket) {
    return socket.state == SocketState::listen || socket.state == SocketState::unconnected;
}

/// The listeners by protocol and port.
class ListenerIndex {
public:
    explicit ListenerIndex(const std::vector<DiagSocket>& sockets) {
        for (const DiagSocket& socket : sockets) {
            if (listens(socket)) {
                by_port_[key_of(socket)].push_back(&socket);
            }
        }
    }

    /// A connection that came in has the listener's port, and an address that the listener covers.
    [[nodiscard]] bool covers(const DiagSocket& connection) const {
        const auto found = by_port_.find(key_of(connection));
        if (found == by_port_.end()) {
            return false;
        }
        const AskedAddress asked{connection.local, false, connection.device};
        return std::any_of(found->second.begin(), found->second.end(),
                           [&](const DiagSocket* listener) { return overlaps(asked, *listener); });
    }

private:
    static std::uint32_t key_of(const DiagSocket& socket) {
        return static_cast<std::uint32_t>(socket.protocol == Protocol::udp) << 16U | socket.local.port;
    }

    std::unordered_map<std::uint32_t, std::vector<const DiagSocket*>> by_port_;
};

} // namespace

std::vector<SocketFact> with_roles(const std::vector<DiagSocket>& sockets) {
    const ListenerIndex listeners(sockets);
    std::vector<SocketFact> facts;
    facts.reserve(sockets.size());
    for (const DiagSocket& socket : sockets) {
        Role role = Role::outgoing;
        if (listens(socket)) {
            role = Role::listener;
        } else if (socket.state == SocketState::bound) {
            role = Role::bound;
        } else if (listeners.covers(socket)) {
            role = Role::accepted;
        }
        facts.push_back({socket, role});
    }
    return facts;
}

} // namespace portguard::tools
