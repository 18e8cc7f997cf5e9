// The lease (design 3.7): a port that the kernel has given for port 0 is left in TIME_WAIT with SO_REUSEADDR.
// For 60 seconds it is given to nobody, and who asks for it by number in the guarded tree has it by the cure.
// No descriptor is kept, and no process. With lease=off nothing here is called: close and dup2 have their
// budget of 12 instructions, so that the pointers behind them are exchanged instead of a question being
// asked.
#pragma once

#include "core/socket_facts.h"
#include "preload/guard.h"

namespace portguard::lease {

inline bool is_on() {
    const Config& config = guard::config();
    return config.lease != Lease::off && config.mode == Mode::enforce;
}

/// Where it is on: once, when the guard is awake and the real functions are known.
void start();

/// Where it is on: bind to port 0 has given this socket its port.
void note(int fd, SocketFacts facts);

/// listen(2) of a socket whose port the kernel chose, if it is not chosen here: 0, or -errno. The lease is
/// made before the socket listens, when a socket of ours may still share its port, and lasts from then on: no
/// way of closing escapes it, libuv's syscall(2) and exit among them, and no connection of ours ever enters
/// the program's queue.
long listen(int fd, int backlog, SocketFacts facts);

} // namespace portguard::lease
