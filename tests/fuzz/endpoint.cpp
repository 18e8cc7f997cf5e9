// A sockaddr as a program passes it to bind(2) and connect(2): any bytes, any length. The input is allocated
// to its size, so that a byte read beyond it is seen.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include <arpa/inet.h>

#include "core/endpoint.h"
#include "fuzz/claims.h"

using namespace portguard;

namespace {

/// inet_pton reads the printed address as the same bytes.
void require_readable(const Endpoint& endpoint) {
    Text<64> printed;
    print_endpoint(endpoint, printed);
    fuzz::require(!printed.truncated(), "an endpoint is short");
    const bool ipv6 = endpoint.family == Family::ipv6;
    const std::string text(printed.view());
    const std::size_t colon = text.rfind(':');
    const std::string address = ipv6 ? text.substr(1, colon - 2) : text.substr(0, colon);
    std::uint8_t bytes[16] = {};
    fuzz::require(inet_pton(ipv6 ? AF_INET6 : AF_INET, address.c_str(), bytes) == 1, "an address is printed");
    fuzz::require(std::memcmp(bytes, endpoint.address.data(), sizeof bytes) == 0,
                  "it is the one that was read");
    fuzz::require(text.substr(colon + 1) == std::to_string(endpoint.port), "its port follows");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto* const address = reinterpret_cast<const sockaddr*>(data);
    const auto length = static_cast<socklen_t>(size);
    const Target target = read_target(address, length);
    const Endpoint endpoint = read_endpoint(address, length);
    fuzz::require(endpoint.port == target.port, "both read the same port");
    fuzz::require(endpoint.family == (endpoint.v4_mapped ? Family::ipv4 : target.family),
                  "and the same family");
    fuzz::require(!endpoint.v4_mapped || target.family == Family::ipv6, "only IPv6 holds a mapped address");
    fuzz::require(!target.unspecified_family || is_disconnect(address, length), "AF_UNSPEC is AF_UNSPEC");
    fuzz::require(!endpoint.is_loopback() || !endpoint.is_wildcard(), "no address is both");
    if (endpoint.family != Family::other) {
        require_readable(endpoint);
    }
    return 0;
}
