// Which of the supervisor's threads wait for a notification. Since Linux 6.6 each one wakes every thread that
// is in SECCOMP_IOCTL_NOTIF_RECV (recv_wait_event in kernel/seccomp.c): a trapped call took 3 µs with two of
// them, 48 with 64 (x86_64, Linux 6.18, 2 CPUs, 2026-11-26).
#pragma once

#include <pthread.h>

namespace portguard::tools {

class Receivers {
public:
    static constexpr unsigned most_waiting = 2;

    Receivers() = default;
    Receivers(const Receivers&) = delete;
    Receivers& operator=(const Receivers&) = delete;

    /// The caller is about to wait. Where enough do, this returns when none does any more.
    void begin();
    /// It has waited.
    void end();

private:
    // Not std::mutex: linked statically with a glibc before 2.34, libstdc++ may take the program for one
    // without threads.
    pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t none_waits_ = PTHREAD_COND_INITIALIZER;
    unsigned waiting_ = 0;
};

} // namespace portguard::tools
