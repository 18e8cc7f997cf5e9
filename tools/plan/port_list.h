// A list of services and their ports, in the forms in which people have one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/call.h"
#include "core/port_set.h"
#include "tools/cli/command.h"

namespace portguard::tools {

struct NamedPort {
    std::string name;
    PortRange ports;
    /// Protocol::udp or Protocol::tcp.
    Protocol protocol = Protocol::tcp;
    /// "services.txt:3".
    std::string place;
};

struct PortList {
    std::vector<NamedPort> ports;
    /// Lines that name no port, "services.txt:4: 'web': '70000' is not a port".
    std::vector<std::string> unread;
};

/// A line is NAME PORT [tcp|udp] in either order, with blanks, '=', ':', '/', commas or semicolons between:
/// "web 80", "443 web", "api=8080", "dns,53,udp", and the lines of services(5), whose further words are
/// aliases. '#' starts a comment. Besides: CSV with a first line that names its columns, docker-compose and
/// Kubernetes files (of both, the ports of the host), and the tables of `kubectl get services` and `docker
/// ps`.
PortList parse_port_list(std::string_view text, const std::string& file_name);

/// `path` "-": standard input. Throws Refusal, also where no line could be read.
PortList read_port_list(const std::string& path);

struct Duplicate {
    const NamedPort* first = nullptr;
    const NamedPort* second = nullptr;
    PortRange ports;
};

/// For Command::own.
inline constexpr Parameter list_parameter{
    "list", "FILE|-", "the listeners seen now, and --listen",
    "more ports: NAME PORT, CSV, services(5), compose, Kubernetes; - is standard input"};

/// Of --list; nothing where it was not given. Lines that name no port are said on stderr. Throws Refusal.
PortList port_list_of(const Arguments& arguments);

/// Two names for one port of one protocol. Points into `list`.
std::vector<Duplicate> find_duplicates(const std::vector<NamedPort>& list);

/// "port 8080/tcp is both web (list:1) and api (list:4)".
std::string describe(const Duplicate& duplicate);

} // namespace portguard::tools
