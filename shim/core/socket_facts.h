// What is remembered of a socket: one byte, so that a table of them is small and a store needs no lock.
#pragma once

#include <cstdint>

#include "core/call.h"

namespace portguard {

/// How the socket's local port came about, as far as we saw.
enum class PortChoice : std::uint8_t {
    /// Not chosen yet, or chosen by the kernel.
    kernel,
    /// bind to an explicit port.
    program,
    /// As `program`, and the port lies in the range of outgoing connections.
    program_in_ephemeral,
    /// To be chosen by the kernel in connect, and SO_REUSEADDR is, or will be, set for courtesy (design 3.4,
    /// step 4).
    courteous,
};

/// A hint, never the truth: descriptors come and go unseen (close_range, dup2, fclose, SCM_RIGHTS). All zero
/// is "never seen"; a value, so that the compiler keeps it in a register.
class SocketFacts {
public:
    constexpr SocketFacts() = default;
    explicit constexpr SocketFacts(std::uint8_t bits) : bits_(bits) {}

    [[nodiscard]] constexpr std::uint8_t bits() const { return bits_; }
    [[nodiscard]] constexpr Protocol protocol() const { return static_cast<Protocol>(bits_ & protocol_mask); }
    [[nodiscard]] constexpr bool is_tcp_like() const {
        return protocol() == Protocol::tcp || protocol() == Protocol::mptcp;
    }
    [[nodiscard]] constexpr PortChoice port() const {
        return static_cast<PortChoice>((bits_ & port_mask) >> port_shift);
    }
    /// The program itself called setsockopt(SO_REUSEADDR), with whatever value.
    [[nodiscard]] constexpr bool chose_reuseaddr() const { return (bits_ & reuseaddr_bit) != 0; }
    /// The program itself called setsockopt(IP_LOCAL_PORT_RANGE).
    [[nodiscard]] constexpr bool chose_range() const { return (bits_ & range_bit) != 0; }
    /// IP_LOCAL_PORT_RANGE was set by us.
    [[nodiscard]] constexpr bool clamped() const { return (bits_ & clamped_bit) != 0; }

    [[nodiscard]] static constexpr SocketFacts of(Protocol protocol) {
        return SocketFacts(static_cast<std::uint8_t>(protocol));
    }
    [[nodiscard]] constexpr SocketFacts with_port(PortChoice choice) const {
        const auto port_bits = static_cast<std::uint8_t>(choice) << port_shift;
        return SocketFacts(static_cast<std::uint8_t>((bits_ & ~port_mask) | port_bits));
    }
    [[nodiscard]] constexpr SocketFacts without_courtesy() const {
        return port() == PortChoice::courteous ? with_port(PortChoice::kernel) : *this;
    }
    /// A flag that the program sets after our courtesy is its own: there is nothing left to take back.
    [[nodiscard]] constexpr SocketFacts with_chosen_reuseaddr() const {
        return SocketFacts(static_cast<std::uint8_t>(without_courtesy().bits_ | reuseaddr_bit));
    }
    [[nodiscard]] constexpr SocketFacts with_chosen_range() const {
        return SocketFacts(static_cast<std::uint8_t>((bits_ | range_bit) & ~clamped_bit));
    }
    [[nodiscard]] constexpr SocketFacts with_clamp() const {
        return SocketFacts(static_cast<std::uint8_t>(bits_ | clamped_bit));
    }
    [[nodiscard]] constexpr SocketFacts without_clamp() const {
        return SocketFacts(static_cast<std::uint8_t>(bits_ & ~clamped_bit));
    }

    friend constexpr bool operator==(SocketFacts, SocketFacts) = default;

private:
    static constexpr std::uint8_t protocol_mask = 0x07;
    static constexpr std::uint8_t port_mask = 0x18;
    static constexpr unsigned port_shift = 3;
    static constexpr std::uint8_t reuseaddr_bit = 0x20;
    static constexpr std::uint8_t range_bit = 0x40;
    static constexpr std::uint8_t clamped_bit = 0x80;

    std::uint8_t bits_ = 0;
};

} // namespace portguard
