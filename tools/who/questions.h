// The words of `portguard who`: which ports of which addresses and protocols.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/port_set.h"
#include "kernel/diag_socket.h"
#include "tools/common/asked_port.h"

namespace portguard::tools {

/// One word: "10000", "80,8000-8010/tcp", "http", "localhost:8080", "[::1]:10000".
struct AskedPorts {
    PortSet ports;
    /// Each with port 0; empty: all of both families.
    std::vector<AskedAddress> addresses;
    /// Nothing: both.
    std::optional<Protocol> protocol;
};

/// Throws Refusal.
AskedPorts parse_asked_ports(const std::string& word);

/// What a bind can be asked about.
struct Question {
    AskedPort asked;
    Protocol protocol = Protocol::tcp;
    /// UDP, because no protocol was named: it is of interest where it is held.
    bool is_implied = false;
};

/// `protocol`: of the options; nothing: none was given.
std::vector<Question> questions_of(const AskedPorts& words, std::optional<Protocol> protocol);

/// The socket has one of the ports, and would be met there.
bool is_asked_about(const AskedPorts& words, std::optional<Protocol> protocol, const DiagSocket& socket);

} // namespace portguard::tools
