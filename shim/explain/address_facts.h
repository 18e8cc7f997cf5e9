// Why an address cannot be bound, or nothing be sent from one: interfaces and their settings.
#pragma once

#include <string>
#include <vector>

#include "kernel/overlap.h"

namespace portguard {

struct AddressFacts {
    /// An interface that has it; empty: none.
    std::string interface;
    /// IPv6: of its prefix there.
    unsigned prefix_length = 128;
    /// IPv6: duplicate address detection is not over, or found another host that has it.
    bool is_tentative = false;
    bool is_duplicate = false;
    /// Of the interface that has it. Duplicate address detection waits for both.
    bool is_interface_up = false;
    bool has_carrier = false;
    /// The kernel has IPv6.
    bool has_ipv6 = false;
    /// "net.ipv6.conf.all.disable_ipv6", where it is 1.
    std::string disabled_by;
    /// A loopback address while lo is down.
    bool is_loopback_down = false;
    /// The interface of the scope or of SO_BINDTODEVICE; empty: none, or none with that index.
    std::string asked_interface;
    /// ip_nonlocal_bind of the family.
    bool is_nonlocal_allowed = false;
};

AddressFacts ask_address(const AskedAddress& asked);

/// "vxlan0 (vxlan)": the interfaces of this network whose traffic goes through a UDP socket of the kernel's
/// own.
std::vector<std::string> find_tunnels();

/// "eth0"; "interface 7" where it has no name.
std::string interface_name(std::uint32_t index);

} // namespace portguard
