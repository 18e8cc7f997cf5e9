// What is kept of threads that called before: to open a pidfd, and to ask for a network, took 2 µs each of
// the 11.5 that a trapped socket(2) and close(2) took (x86_64, Linux 6.18, 2026-11-26).
#pragma once

#include <array>
#include <cstddef>

#include <sys/types.h>

namespace portguard::tools {

/// Of one thread of the supervisor.
class CallerCache {
public:
    struct Kept {
        pid_t tid = 0;
        int descriptor = -1;
        /// 0: not known.
        ino_t network = 0;
    };

    /// What is known of `tid`, which is not kept any more. Another thread may have its number by now.
    Kept take(pid_t tid);
    /// The descriptor is closed where it cannot be kept.
    void put(const Kept& kept);
    void trust_networks(bool trusted) { trusts_networks_ = trusted; }

private:
    Kept& place_of(pid_t tid) { return kept_[static_cast<std::size_t>(tid) % kept_.size()]; }

    std::array<Kept, 64> kept_;
    bool trusts_networks_ = true;
};

} // namespace portguard::tools
