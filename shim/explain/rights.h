// What whoever reads the report may do here, and so what stands before a command.
#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

namespace portguard {

enum class Permission : std::uint8_t {
    granted,
    /// With sudo.
    by_root,
    /// Not from here: root of a container without the capability, a /proc/sys that is mounted read-only.
    never,
};

struct Rights {
    uid_t euid = 0;
    /// CAP_NET_ADMIN in this network: SOCK_DESTROY, addresses.
    Permission net_admin = Permission::by_root;
    /// Writing below /proc/sys/net.
    Permission sysctls = Permission::by_root;
    /// What a command needs before it to act on the network that was looked at ("ip netns exec blue "), where
    /// that is not the reader's own. Entering it takes root.
    std::string inside;
    /// The kernel removes a connection that its program has closed (destroys_orphans(), sock_destroy.h).
    bool destroys_orphans = true;
    /// There are processes that no user of this pid namespace sees.
    bool is_pid_namespace_nested = false;
};

Rights read_rights();

} // namespace portguard
