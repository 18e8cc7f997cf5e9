// Whether the kernel would let a bind through: asked by binding a socket of our own, which is closed at once.
#pragma once

#include <cstdint>

#include "explain/asked_socket.h"

namespace portguard {

enum class Probe : std::uint8_t {
    /// Of the address alone: it takes no port.
    address,
    plain,
    /// Of an address that no interface has, with the asked family and port.
    elsewhere,
    /// With SO_REUSEADDR and the tag of a hold, over which a guarded server that starts meanwhile binds.
    as_hold,
};

/// errno of the bind, or of making the socket; 0: it went through. `device`: SO_BINDTODEVICE; 0: none.
int probe_bind(AskedAddress asked, Protocol protocol, Probe probe, std::uint32_t device = 0);

/// Whether the port is free after all, where no socket was seen to have it. `sees_all`: the kernel has shown
/// every list. Since Linux 6.8 none is missing in those (K13), and the probe keeps no server off. Nothing:
/// nothing is known of the address.
std::optional<int> probe_unheld(const AskedSocket& asked, bool sees_all);

/// Whether a TCP server may have the port on every address: asked of kernels that do not show sockets that
/// are only bound; else false.
bool may_be_bound_unseen(std::uint16_t port);

/// Since Linux 6.8.
bool are_bound_sockets_shown();

} // namespace portguard
