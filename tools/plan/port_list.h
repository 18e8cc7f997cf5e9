// A list of services and their ports, as a person keeps one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/call.h"
#include "core/port_set.h"

namespace portguard::tools {

struct NamedPort {
    std::string name;
    PortRange ports;
    /// Protocol::udp or Protocol::tcp.
    Protocol protocol = Protocol::tcp;
    /// "services.txt:3".
    std::string place;
};

/// A line holds name, port (or LOW-HIGH) and protocol (tcp where it is left out), with blanks, commas or a
/// slash between: "web 80", "dns,53,udp", and the lines of services(5), whose further words are aliases. '#'
/// starts a comment. Throws Refusal.
std::vector<NamedPort> parse_port_list(std::string_view text, const std::string& file_name);

/// `path` "-": standard input. Throws Refusal.
std::vector<NamedPort> read_port_list(const std::string& path);

struct Duplicate {
    const NamedPort* first = nullptr;
    const NamedPort* second = nullptr;
    PortRange ports;
};

/// Two names for one port of one protocol. Points into `list`.
std::vector<Duplicate> find_duplicates(const std::vector<NamedPort>& list);

/// "port 8080/tcp is both web (list:1) and api (list:4)".
std::string describe(const Duplicate& duplicate);

} // namespace portguard::tools
