#include "tools/common/asked_port.h"

#include <cstring>

#include <arpa/inet.h>
#include <net/if.h>

#include "core/port_set.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

[[noreturn]] void refuse(std::string_view word, const std::string& why) {
    throw Refusal(ExitCode::usage, "'" + shown(word) + "' " + why);
}

bool read_ipv4(const std::string& text, std::uint16_t port, AskedAddress& address) {
    sockaddr_in value{};
    value.sin_family = AF_INET;
    value.sin_port = htons(port);
    if (::inet_pton(AF_INET, text.c_str(), &value.sin_addr) != 1) {
        return false;
    }
    address.endpoint = read_endpoint(reinterpret_cast<const sockaddr*>(&value), sizeof value);
    return true;
}

/// A link-local address names its interface: "fe80::1%eth0".
bool read_ipv6(const std::string& text, std::uint16_t port, AskedAddress& address) {
    const std::size_t percent = text.find('%');
    sockaddr_in6 value{};
    value.sin6_family = AF_INET6;
    value.sin6_port = htons(port);
    if (::inet_pton(AF_INET6, text.substr(0, percent).c_str(), &value.sin6_addr) != 1) {
        return false;
    }
    if (percent != std::string::npos) {
        address.device = ::if_nametoindex(text.substr(percent + 1).c_str());
        if (address.device == 0) {
            return false;
        }
    }
    address.endpoint = read_endpoint(reinterpret_cast<const sockaddr*>(&value), sizeof value);
    return true;
}

bool read_address(const std::string& text, std::uint16_t port, AskedAddress& address) {
    if (text.starts_with('[') && text.ends_with(']')) {
        return read_ipv6(text.substr(1, text.size() - 2), port, address);
    }
    return read_ipv4(text, port, address);
}

} // namespace

AskedAddress every_address(std::uint16_t port) {
    AskedAddress address;
    address.endpoint.family = Family::ipv6;
    address.endpoint.port = port;
    return address;
}

std::optional<AskedAddress> parse_address(const std::string& text) {
    AskedAddress address;
    return read_address(text, 0, address) ? std::optional(address) : std::nullopt;
}

AskedPort parse_asked_port(const std::string& word) {
    const std::size_t colon = word.rfind(':');
    const std::string address = colon == std::string::npos ? "" : word.substr(0, colon);
    const std::uint16_t port = parse_port(std::string_view(word).substr(colon + 1));
    if (port == 0) {
        refuse(word,
               "names no port from 1 to 65535; expected one such as 10000, 127.0.0.1:10000 or [::1]:10000");
    }
    AskedPort asked;
    if (address.empty() || address == "*") {
        asked.address = every_address(port);
        return asked;
    }
    asked.names_address = true;
    if (!read_address(address, port, asked.address)) {
        refuse(word, "names no IP address of this host before the port; expected one such as "
                     "127.0.0.1:10000, [::1]:10000 or [fe80::1%eth0]:10000");
    }
    return asked;
}

std::string describe(const AskedPort& asked) {
    const Endpoint& endpoint = asked.address.endpoint;
    if (!asked.names_address) {
        return "port " + std::to_string(endpoint.port);
    }
    return text_of(endpoint);
}

} // namespace portguard::tools
