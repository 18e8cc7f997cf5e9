// One cure at a time for a port.
#pragma once

#include <cstdint>

namespace portguard {

/// A try-lock between processes: an abstract unix name (unix(7)) a port, in this network namespace. It
/// vanishes with its socket, so nothing is left behind by a process that dies.
class PortLock {
public:
    explicit PortLock(std::uint16_t port);
    PortLock(const PortLock&) = delete;
    PortLock& operator=(const PortLock&) = delete;
    ~PortLock();

    [[nodiscard]] bool is_held() const { return fd_ >= 0; }

private:
    int fd_ = -1;
};

} // namespace portguard
