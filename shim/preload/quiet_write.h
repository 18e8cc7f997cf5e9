// A write by the program's own thread, where there is no child to do it.
#pragma once

#include <csignal>
#include <ctime>

#include <sys/syscall.h>

#include "kernel/kernel_call.h"
#include "preload/signals.h"

namespace portguard {

/// While it lives no handler of the program's runs, and what our writes raised (SIGPIPE, SIGXFSZ, H47) is
/// consumed. By raw system calls: open and write are no cancellation points then (H49), and errno is not
/// touched.
class QuietWrite {
public:
    QuietWrite() {
        constexpr SignalSet asynchronous = asynchronous_signals();
        change_signal_mask(SIG_BLOCK, &asynchronous, &mask_before_);
        // What was not blocked was not pending.
        if ((mask_before_ & raised_by_writes) != 0) {
            kernel_call(SYS_rt_sigpending, as_argument(&pending_before_), sizeof pending_before_);
        }
    }
    QuietWrite(const QuietWrite&) = delete;
    QuietWrite& operator=(const QuietWrite&) = delete;
    ~QuietWrite() {
        if (failed_) {
            consume_if_new(SIGPIPE);
            consume_if_new(SIGXFSZ);
        }
        change_signal_mask(SIG_SETMASK, &mask_before_, nullptr);
    }

    /// No write has failed, so that none has raised a signal.
    void all_went_well() { failed_ = false; }

private:
    void consume_if_new(int signal) const {
        SignalSet pending = 0;
        kernel_call(SYS_rt_sigpending, as_argument(&pending), sizeof pending);
        const SignalSet raised = pending & ~pending_before_ & signal_bit(signal);
        if (raised != 0) {
            const timespec no_wait{};
            kernel_call(SYS_rt_sigtimedwait, as_argument(&raised), 0, as_argument(&no_wait), sizeof raised);
        }
    }

    static constexpr SignalSet raised_by_writes = signal_bit(SIGPIPE) | signal_bit(SIGXFSZ);

    bool failed_ = true;
    SignalSet mask_before_ = 0;
    SignalSet pending_before_ = 0;
};

} // namespace portguard
