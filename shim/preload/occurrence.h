// Handling what went wrong: cured where design 3.2 allows, and told. For failure paths.
#pragma once

#include <sys/socket.h>

#include "core/event.h"
#include "core/socket_facts.h"

namespace portguard {

/// A call of the program's that is worth telling about.
struct Occurrence {
    EventKind kind = EventKind::in_use;
    Call call = Call::bind;
    int fd = -1;
    /// What the program is told; 0 where the call went through.
    int error = 0;
    /// What the program passed; null for listen.
    const sockaddr* address = nullptr;
    socklen_t length = 0;
    /// As remembered: the kernel is asked before anything is done.
    SocketFacts facts;
    /// listen(2)'s.
    int backlog = 0;
};

/// Tells the event. errno, signals and descriptors of the program are as before.
void tell(const Occurrence& occurrence);

struct CureOutcome {
    /// The program gets 0; else -1 with errno as it was.
    bool cured = false;
    /// What the kernel says of the socket.
    SocketFacts facts;
};

/// bind or listen said EADDRINUSE: cures it where design 3.2 allows, and tells what came of it either way.
CureOutcome cure_or_tell(const Occurrence& occurrence);

} // namespace portguard
