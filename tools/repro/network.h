// A network namespace of our own: addresses, settings, and nothing of the host's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "core/endpoint.h"
#include "core/port_set.h"

namespace portguard::tools {

/// Moves this process, which has one thread, into a fresh network namespace. Without the privilege it goes
/// through a user namespace, in which the caller is `uid`, where that is given. Throws Refusal where the host
/// forbids both. True: other users exist there.
bool enter_private_network(std::optional<uid_t> uid);

/// Brings "lo" up and puts `addresses` on a dummy device (on "lo" where the kernel has none). Returns the
/// interface that has them. Throws Refusal.
std::uint32_t add_interfaces(const std::vector<Endpoint>& addresses);

/// `name` as below /proc/sys/net. Throws Refusal.
void write_setting(std::string_view name, const std::string& value);
void set_ephemeral_range(PortRange range);

} // namespace portguard::tools
