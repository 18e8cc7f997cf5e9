// The numbers that the kernel has given this process for port 0. A program that asks for one of them again,
// on the other family or protocol, with SO_REUSEPORT or after a close (haproxy, sshd -R 0, test servers),
// asks for what it was given: to the plan that is port 0 still.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace portguard {

/// Lock-free, and all zero where nothing was given. A fork copies it, as it copies the sockets.
class GivenPorts {
public:
    /// The oldest is lost to the one after these: who asks again does so soon.
    static constexpr std::size_t capacity = 256;

    void add(std::uint16_t port) {
        // Unsigned, so that it wraps; two threads take two places.
        const std::uint32_t place = added_.fetch_add(1, std::memory_order_relaxed);
        ports_[place % capacity].store(port, std::memory_order_relaxed);
    }

    [[nodiscard]] bool contains(std::uint16_t port) const {
        for (const std::atomic<std::uint16_t>& given : ports_) {
            if (port != 0 && given.load(std::memory_order_relaxed) == port) {
                return true;
            }
        }
        return false;
    }

private:
    std::atomic<std::uint32_t> added_{0};
    std::array<std::atomic<std::uint16_t>, capacity> ports_{};
};

} // namespace portguard
