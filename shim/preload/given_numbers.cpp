#include "preload/given_numbers.h"

#include "core/given_ports.h"
#include "preload/socket_state.h"

namespace portguard::given_numbers {
namespace {

constinit GivenPorts ports;

} // namespace

void note(int fd) {
    // 0: IP_BIND_ADDRESS_NO_PORT has left the choice to connect.
    if (const std::uint16_t port = socket_state::local_address(fd).port(); port != 0) {
        ports.add(port);
    }
}

bool contain(std::uint16_t port) {
    return ports.contains(port);
}

} // namespace portguard::given_numbers
