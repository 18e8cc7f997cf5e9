// A network of the test's own. A test that changes ip_local_port_range, or fills a port range, in the host's
// network would break other programs, and other programs' sockets would break the test.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace portguard::test {

/// Moves this process into a fresh network namespace with "lo" up: as root with that alone, else through a
/// user namespace that maps the caller to root. There is no way back, and none is needed: the next PrivateNet
/// makes the next namespace, and children are born in the newest. The process must be single-threaded, and
/// sockets that are open already stay in the old network.
class PrivateNet {
public:
    PrivateNet();

    /// Empty when the network is there; else why it could not be had, fit for PORTGUARD_SKIP.
    [[nodiscard]] const std::string& unavailable() const { return unavailable_; }

private:
    std::string unavailable_;
};

/// The fixture for a test that needs no other: each case in its own network, skipped where none can be had.
class PrivateNetTest : public testing::Test {
protected:
    void SetUp() override;
};

/// `name` as below /proc/sys/net, e.g. "ipv4/ip_local_port_range". They throw if the kernel refuses, so that
/// a test never runs on under settings it did not get.
void set_sysctl(std::string_view name, std::string_view value);
std::string get_sysctl(std::string_view name);

/// What connect() and bind(0) choose from, both ends included.
void set_ephemeral_range(std::uint16_t low, std::uint16_t high);

/// Gives "lo" a second IPv4 address (as the alias "lo:1") that the kernel does not count as loopback.
void add_address_to_lo(const char* address);

} // namespace portguard::test
