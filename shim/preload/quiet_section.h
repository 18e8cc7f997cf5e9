// What has to hold while an event is told, so that the program notices nothing.
#pragma once

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>

#include <pthread.h>
#include <sys/syscall.h>

#include "kernel/kernel_call.h"

namespace portguard {

/// While it lives: no signal is delivered to this thread (a handler would run on the report's stack, or call
/// bind and come back here), open and write are no cancellation points (H49), and what our own writes raised
/// (SIGPIPE, SIGXFSZ, H47) is consumed. errno is put back. For failure paths only: never alive across a call
/// of the program's that is a cancellation point.
class QuietSection {
public:
    QuietSection() : saved_errno_(errno) {
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &saved_cancel_state_);
        kernel_call(SYS_rt_sigprocmask, SIG_SETMASK, as_argument(&everything), as_argument(&saved_mask_),
                    sizeof(SignalSet));
        kernel_call(SYS_rt_sigpending, as_argument(&pending_before_), sizeof(SignalSet));
    }
    QuietSection(const QuietSection&) = delete;
    QuietSection& operator=(const QuietSection&) = delete;
    ~QuietSection() {
        consume_if_new(SIGPIPE);
        consume_if_new(SIGXFSZ);
        kernel_call(SYS_rt_sigprocmask, SIG_SETMASK, as_argument(&saved_mask_), 0, sizeof(SignalSet));
        pthread_setcancelstate(saved_cancel_state_, nullptr);
        errno = saved_errno_;
    }

private:
    /// The kernel's own (rt_sigprocmask(2)): bit n-1 is signal n. The functions of libc that fill a sigset_t
    /// would each be a name that every exec looks up.
    using SignalSet = std::uint64_t;

    /// Without 32 and 33, which are libc's (nptl(7)) and which pthread_sigmask(3) leaves out as well: another
    /// thread's setuid(2) waits for the answer to one of them.
    static constexpr SignalSet everything = ~(SignalSet{1} << 31 | SignalSet{1} << 32);

    void consume_if_new(int signal) const {
        SignalSet pending = 0;
        kernel_call(SYS_rt_sigpending, as_argument(&pending), sizeof pending);
        const SignalSet wanted = pending & ~pending_before_ & SignalSet{1} << (signal - 1);
        if (wanted == 0) {
            return;
        }
        const timespec no_wait{};
        // Not sigtimedwait(3): that is a cancellation point.
        kernel_call(SYS_rt_sigtimedwait, as_argument(&wanted), 0, as_argument(&no_wait), sizeof wanted);
    }

    int saved_errno_;
    int saved_cancel_state_ = 0;
    SignalSet saved_mask_ = 0;
    SignalSet pending_before_ = 0;
};

} // namespace portguard
