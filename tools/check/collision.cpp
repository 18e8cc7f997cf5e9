#include "tools/check/collision.h"

namespace portguard::tools {
namespace {

Collision of_listener(std::uint16_t port, const HostPorts& host, const PortPlan& plan) {
    if (host.gives(port)) {
        return Collision::listener_in_kernel_range;
    }
    const bool is_planned =
        plan.ephemeral_given && plan.ephemeral.contains(port) && !host.reserved.contains(port);
    return is_planned ? Collision::listener_in_planned_range : Collision::none;
}

} // namespace

bool is_lease(const DiagSocket& socket) {
    return socket.state == SocketState::time_wait && socket.local.port == socket.remote.port &&
           socket.local.address == socket.remote.address;
}

Collision collision_of(const SocketFact& fact, const HostPorts& host, const PortPlan& plan) {
    const std::uint16_t port = fact.socket.local.port;
    if (fact.socket.state == SocketState::listen) {
        return of_listener(port, host, plan);
    }
    const bool is_in_the_way =
        !is_lease(fact.socket) && (fact.role == Role::outgoing || fact.role == Role::left_over);
    if (!plan.listen_given || !is_in_the_way || !plan.listen.contains(port)) {
        return Collision::none;
    }
    if (fact.socket.state == SocketState::time_wait) {
        return Collision::time_wait_in_listen;
    }
    return fact.role == Role::left_over || fact.socket.is_orphan() ? Collision::left_over_in_listen
                                                                   : Collision::outgoing_in_listen;
}

std::string_view finding_id(Collision collision) {
    switch (collision) {
    case Collision::listener_in_kernel_range:
    case Collision::listener_in_planned_range: return "listener-in-ephemeral-range";
    case Collision::outgoing_in_listen: return "outgoing-in-listen";
    case Collision::left_over_in_listen: return "left-over-in-listen";
    case Collision::time_wait_in_listen: return "time-wait-in-listen";
    case Collision::none: break;
    }
    return "";
}

} // namespace portguard::tools
