// Signals by the kernel's own interface (rt_sigprocmask(2)): libc's functions that fill a sigset_t would each
// be a name that every exec looks up.
#pragma once

#include <csignal>
#include <cstdint>

#include <sys/syscall.h>

#include "kernel/kernel_call.h"

namespace portguard {

/// Bit n-1 is signal n.
using SignalSet = std::uint64_t;

constexpr SignalSet signal_bit(int signal) {
    return SignalSet{1} << (signal - 1);
}

/// Raised by the thread's own instructions, or by a filter of system calls. Blocked, each of them kills,
/// whatever handler the program has (H58).
inline constexpr int synchronous_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};

/// What no handler shall run for while an event is handled. Without 32 and 33, which are libc's (nptl(7)) and
/// which pthread_sigmask(3) leaves out as well: another thread's setuid(2) waits for the answer to one of
/// them.
constexpr SignalSet asynchronous_signals() {
    SignalSet set = ~(signal_bit(32) | signal_bit(33));
    for (const int signal : synchronous_signals) {
        set &= ~signal_bit(signal);
    }
    return set;
}

/// False: nothing has changed (a filter of system calls forbids it).
inline bool change_signal_mask(int how, const SignalSet* set, SignalSet* before) {
    return kernel_call(SYS_rt_sigprocmask, how, as_argument(set), as_argument(before), sizeof(SignalSet)) ==
           0;
}

/// SA_RESTORER, which libc's headers keep to themselves: without it x86-64 runs no handler. What it would
/// return to does not matter: no handler of ours returns.
inline constexpr unsigned long restorer_flag = 0x04000000;
inline void never_returned_to() {}

/// As rt_sigaction(2) takes it: struct sigaction of libc is another one.
inline bool set_disposition(int signal, void (*handler)(int)) {
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)();
        SignalSet mask;
    } const action{handler, restorer_flag, never_returned_to, 0};
    return kernel_call(SYS_rt_sigaction, signal, as_argument(&action), 0, sizeof(SignalSet)) == 0;
}

} // namespace portguard
