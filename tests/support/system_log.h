// The system's log, played in a mount namespace of the test's own: what would go to the machine's comes here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "support/fd.h"

namespace portguard::test {

/// Moves this process, for good, to where /run and /dev hold no log: /run is empty, /dev has null, zero,
/// full, random, urandom, tty, ptmx, pts and shm alone. As root with that; else PrivateNet has to come first.
class SystemLog {
public:
    SystemLog();

    /// Empty when it is there; else why it could not be had, fit for PORTGUARD_SKIP.
    [[nodiscard]] const std::string& unavailable() const { return unavailable_; }

    /// From here on there is somebody at /run/systemd/journal/socket, or at /dev/log.
    void start_journal();
    void start_syslog();

    /// The entries since the last call. Of a journal's: the datagram, or what the file in it holds.
    [[nodiscard]] std::vector<std::string> journal() const;
    [[nodiscard]] std::vector<std::string> syslog() const;

private:
    std::string unavailable_;
    Fd journal_;
    Fd syslog_;
};

/// The value of a field in an entry of the journal; empty: it has none.
std::string journal_field(std::string_view entry, std::string_view name);

/// A network and a system's log of the test's own, with nobody at it yet.
class SystemLogTest : public testing::Test {
protected:
    void SetUp() override;

    SystemLog& log() { return *log_; }

private:
    std::optional<SystemLog> log_;
};

} // namespace portguard::test
