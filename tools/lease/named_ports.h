// Ports for names: the same name has the same port on the same plan, while it is free.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/port_set.h"
#include "kernel/syscalls.h"

namespace portguard::tools {

struct LeasedPort {
    std::uint16_t port = 0;
    /// Bound, with SO_REUSEADDR, and tagged as a hold: open, it holds the port; closed, the TIME_WAIT does
    /// for 60 seconds.
    int socket = -1;
};

class NamedPorts {
public:
    explicit NamedPorts(const PortSet& plan);

    /// The `index`-th port of `name`. By hash, and from there on the next that no socket has, in LISTEN,
    /// TIME_WAIT or any other state; taken at once, so that no other process is given it. Throws Refusal
    /// where none is free.
    LeasedPort take(std::string_view name, unsigned index);

private:
    std::vector<std::uint16_t> ports_;
};

/// False: no TIME_WAIT keeps the port (the loopback interface is down).
bool is_kept(std::uint16_t port);

struct NamedVariable {
    std::string variable;
    std::string name;
};

/// "WEB=web,API=api". Throws Refusal.
std::vector<NamedVariable> parse_variables(std::string_view text);

} // namespace portguard::tools
