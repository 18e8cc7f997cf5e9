// `portguard hold --state`: one port in a state of the kernel's, as a building block for tests.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "tools/common/asked_port.h"
#include "tools/common/condition.h"

namespace portguard::tools {

inline constexpr std::string_view held_state_values =
    "listen|bound|established|syn-sent|time-wait|close-wait|fin-wait1|fin-wait|closing|last-ack|v6-wildcard|"
    "udp";

/// A word of held_state_values, and what it means for a port.
class HeldState {
public:
    /// Throws Refusal.
    HeldState(const std::string& word, const AskedPort& asked, bool reuseaddr, bool reuseport);

    [[nodiscard]] const WantedSocket& wanted() const { return wanted_; }
    [[nodiscard]] const std::string& word() const { return word_; }

private:
    std::string word_;
    WantedSocket wanted_;
};

/// The descriptors of one condition; they are closed with it.
class StateSockets {
public:
    /// Returns once the kernel shows the condition. Throws Refusal (exit status 1 where somebody has the
    /// port).
    explicit StateSockets(const HeldState& state);

    /// TIME_WAIT ends after 60 s: how long it may still be relied on. Null: for as long as this object lives.
    [[nodiscard]] std::optional<std::chrono::milliseconds> lifetime() const;

private:
    WantedSocket wanted_;
    Condition sockets_;
};

} // namespace portguard::tools
