// One question to sock_diag(7), and SOCK_DESTROY. The kernel's answer is handed on as it came:
// the tests pin what is in it and what is not.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <linux/inet_diag.h>
#include <sys/socket.h>

#include "support/sockets.h"

namespace portguard::test {

/// TCP_BOUND_INACTIVE: bound, neither connected nor listening. A state to ask for, never one that is
/// reported.
inline constexpr std::uint32_t bound_inactive = 1U << 13;
inline constexpr std::uint32_t all_states_but_bound = 0xFFFU << 1;

constexpr std::uint32_t state_bit(TcpState state) {
    return 1U << static_cast<unsigned>(state);
}

struct DiagRequest {
    std::uint32_t states = all_states_but_bound | bound_inactive;
    /// id.idiag_sport of the request, the kernel's own filter; 0 asks for every port.
    std::uint16_t port = 0;
    /// Filter by INET_DIAG_BC_S_EQ bytecode.
    std::optional<std::uint16_t> bytecode_port{};
    std::uint8_t extensions = 0;
    int family = AF_INET;
};

struct DiagSocket {
    inet_diag_msg message{};
    std::map<int, std::string> attributes;

    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] TcpState state() const { return static_cast<TcpState>(message.idiag_state); }
};

/// TCP sockets of this network namespace. Throws if the kernel refuses the question.
std::vector<DiagSocket> sock_diag(const DiagRequest& request);

Outcome sock_destroy(const DiagSocket& socket);

} // namespace portguard::test
