// `portguard hold --state`: one port in a state of the kernel's, as a building block for tests.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/common/asked_port.h"
#include "tools/common/condition.h"

namespace portguard::tools {

std::vector<std::string_view> held_state_words();

/// A word of held_state_words(), and what it means for a port.
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
