// `portguard hold --state`: one port in a state of the kernel's, as a building block for tests.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tools/asked_port.h"

namespace portguard::tools {

enum class HeldState : std::uint8_t {
    listen,
    bound,
    established,
    time_wait,
    close_wait,
    fin_wait,
    v6_wildcard,
    udp,
};

inline constexpr std::string_view held_state_values =
    "listen|bound|established|time-wait|close-wait|fin-wait|v6-wildcard|udp";

std::optional<HeldState> parse_held_state(std::string_view word);

/// The descriptors of one condition; they are closed with it.
class StateSockets {
public:
    /// Returns once the kernel shows the condition. Throws Refusal (exit status 1 where somebody has the
    /// port).
    StateSockets(HeldState state, const AskedPort& asked, bool reuseaddr);
    StateSockets(const StateSockets&) = delete;
    StateSockets& operator=(const StateSockets&) = delete;
    ~StateSockets();

    /// TIME_WAIT ends after 60 s: how long it may still be relied on. Null: for as long as this object lives.
    [[nodiscard]] std::optional<std::chrono::milliseconds> lifetime() const;

private:
    int open_socket(int family, int type);
    void bind_only();
    void connect_out();
    void finish_connection(int server);

    HeldState state_;
    AskedAddress address_;
    bool reuseaddr_;
    std::vector<int> sockets_;
};

} // namespace portguard::tools
