#include "core/given_ports.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace portguard {
namespace {

TEST(GivenPorts, HoldWhatWasAddedAndNothingElse) {
    GivenPorts ports;
    EXPECT_FALSE(ports.contains(40000));
    ports.add(40000);
    ports.add(40001);
    EXPECT_TRUE(ports.contains(40000));
    EXPECT_TRUE(ports.contains(40001));
    EXPECT_FALSE(ports.contains(40002));
}

TEST(GivenPorts, NeverHoldPortZero) {
    const GivenPorts ports;
    EXPECT_FALSE(ports.contains(0));
}

TEST(GivenPorts, LoseTheOldestFirst) {
    GivenPorts ports;
    for (std::uint16_t port = 1; port <= GivenPorts::capacity + 1; ++port) {
        ports.add(port);
    }
    EXPECT_FALSE(ports.contains(1));
    EXPECT_TRUE(ports.contains(2));
    EXPECT_TRUE(ports.contains(GivenPorts::capacity + 1));
}

TEST(GivenPorts, HoldWhatTwoThreadsAddAtOnce) {
    GivenPorts ports;
    constexpr std::uint16_t each = GivenPorts::capacity / 2;
    const auto fill = [&ports](std::uint16_t first) {
        for (std::uint16_t port = first; port < first + each; ++port) {
            ports.add(port);
        }
    };
    std::thread other(fill, 1);
    fill(1000);
    other.join();
    for (std::uint16_t port = 0; port < each; ++port) {
        EXPECT_TRUE(ports.contains(static_cast<std::uint16_t>(1 + port))) << port;
        EXPECT_TRUE(ports.contains(static_cast<std::uint16_t>(1000 + port))) << port;
    }
}

} // namespace
} // namespace portguard
