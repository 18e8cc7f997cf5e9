// PORT and ADDRESS:PORT as words of the command line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kernel/overlap.h"

namespace portguard::tools {

inline constexpr std::string_view asked_port_name = "[ADDRESS:]PORT";

struct AskedPort {
    /// Without an address: [::], and not V6ONLY, which overlaps every address of both families.
    AskedAddress address;
    bool names_address = false;
};

/// What overlaps every address of both families.
AskedAddress every_address(std::uint16_t port);

/// "127.0.0.1", "[::1]", "[fe80::1%eth0]", with port 0; nothing: it is none.
std::optional<AskedAddress> parse_address(const std::string& text);

/// "10000", "127.0.0.1:10000", "[::1]:10000"; "*:10000" is "10000". Throws Refusal.
AskedPort parse_asked_port(const std::string& word);

/// "port 10000", "127.0.0.1:10000".
std::string describe(const AskedPort& asked);

} // namespace portguard::tools
