// A command at work in the test's own network.
#pragma once

#include <nlohmann/json.hpp>

#include "support/child.h"
#include "support/private_net.h"
#include "support/skip.h"
#include "support/sockets.h"
#include "support/waiting.h"
#include "tools/support/command.h"

namespace portguard::test {

using PortCommand = PrivateNetTest;

inline constexpr std::uint16_t contested = 10000;
inline constexpr std::uint16_t elsewhere = 9000;

/// `portguard` and `words`, running, and waited for until it has printed "ready".
class ReadyCommand {
public:
    explicit ReadyCommand(const Words& words) : process_(command_spec(words)) {
        ready_ = eventually([this] { return process_.out().starts_with("ready"); });
    }
    [[nodiscard]] bool is_ready() const { return ready_; }
    [[nodiscard]] Process& process() { return process_; }

private:
    Process process_;
    bool ready_ = false;
};

/// In the test's network another user can be had as root alone: the others are not mapped into its namespace.
inline bool can_become_another_user() {
    return result_in_child([] { return (become_user(65534), 0); }) == 0;
}

/// The one line of a command with --json.
inline nlohmann::json json_of(const Finished& finished) {
    return nlohmann::json::parse(finished.out);
}

} // namespace portguard::test
