// Another port to advise, where another port is the cure.
#pragma once

#include <cstdint>
#include <vector>

#include "core/port_set.h"
#include "explain/cause.h"
#include "kernel/deadline.h"
#include "kernel/holders.h"
#include "kernel/syscalls.h"
#include "kernel/sysctls.h"

namespace portguard {

/// Ports to try instead of `asked`, the nearest first: of `listen`, or, where that is empty, those that the
/// kernel gives to no program by itself. Without known defaults and, unless `asked` is one, without ports
/// that need a capability. Pure.
std::vector<std::uint16_t> ports_beside(std::uint16_t asked, const PortSet& listen, const HostSettings& host);

/// The first of ports_beside() on which no socket of `protocol` is in this network namespace, whatever its
/// address; the kernel is asked only where `known` does not tell. 0: there is none near, or the kernel did
/// not answer in time.
std::uint16_t nearest_free_port(std::uint16_t asked, Protocol protocol, const PortSet& listen,
                                const HostSettings& host, const Neighbours& known, const Deadline& deadline,
                                const Syscalls& syscalls);

/// Fills Facts::free_port where a cure of `explanation` names one: nobody waits for it elsewhere.
void ask_free_port(Facts& facts, const Explanation& explanation, const Deadline& deadline);

} // namespace portguard
