// What has to hold while an event is told, so that the program notices nothing.
#pragma once

#include <cerrno>
#include <csignal>
#include <ctime>

#include <pthread.h>
#include <sys/syscall.h>

#include "preload/kernel_call.h"

namespace portguard {

/// While it lives: no signal is delivered to this thread (a handler would run on the report's stack, or call
/// bind and come back here), open and write are no cancellation points (H49), and what our own writes raised
/// (SIGPIPE, SIGXFSZ, H47) is consumed. errno is put back. For failure paths only: never alive across a call
/// of the program's that is a cancellation point.
class QuietSection {
public:
    QuietSection() : saved_errno_(errno) {
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &saved_cancel_state_);
        sigset_t everything;
        sigfillset(&everything);
        pthread_sigmask(SIG_SETMASK, &everything, &saved_mask_);
        sigpending(&pending_before_);
    }
    QuietSection(const QuietSection&) = delete;
    QuietSection& operator=(const QuietSection&) = delete;
    ~QuietSection() {
        consume_if_new(SIGPIPE);
        consume_if_new(SIGXFSZ);
        pthread_sigmask(SIG_SETMASK, &saved_mask_, nullptr);
        pthread_setcancelstate(saved_cancel_state_, nullptr);
        errno = saved_errno_;
    }

private:
    void consume_if_new(int signal) const {
        sigset_t pending;
        sigpending(&pending);
        if (sigismember(&pending_before_, signal) != 0 || sigismember(&pending, signal) == 0) {
            return;
        }
        sigset_t wanted;
        sigemptyset(&wanted);
        sigaddset(&wanted, signal);
        const timespec no_wait{};
        // Not sigtimedwait(3): that is a cancellation point.
        constexpr long kernel_sigset_size = 8;
        kernel_call(SYS_rt_sigtimedwait, as_argument(&wanted), 0, as_argument(&no_wait), kernel_sigset_size);
    }

    int saved_errno_;
    int saved_cancel_state_ = 0;
    sigset_t saved_mask_{};
    sigset_t pending_before_{};
};

} // namespace portguard
