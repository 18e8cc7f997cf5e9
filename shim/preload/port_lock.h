// One cure at a time for a port.
#pragma once

#include <cstdint>

namespace portguard {

/// A try-lock between processes: an abstract unix name (unix(7)) per port, in this network namespace. It
/// vanishes with its socket, which is the child's alone: nothing is left behind by a process that dies,
/// nothing inherited by one that is forked meanwhile (H56).
class PortLock {
public:
    /// Tries `tries` times, a millisecond apart.
    PortLock(std::uint16_t port, int tries);
    PortLock(const PortLock&) = delete;
    PortLock& operator=(const PortLock&) = delete;
    ~PortLock();

    [[nodiscard]] bool is_held() const { return fd_ >= 0; }
    /// By another process. Neither held nor taken: AF_UNIX is forbidden here.
    [[nodiscard]] bool is_taken() const { return taken_; }

private:
    int fd_ = -1;
    bool taken_ = false;
};

} // namespace portguard
