// SO_REUSEADDR on an outgoing connection (design 3.4, step 4): given once the port is chosen, taken back when
// the port is given up, and both only where the kernel confirms that it is the socket that we mean.
#pragma once

#include "core/socket_facts.h"

namespace portguard::courtesy {

/// The program has bound a port through a number that was never seen as a socket, such as a duplicate. From
/// here on a number's memory does not say that its socket has no port of the program's own.
void note_bind_through_unknown_number();

/// False: the port of this socket may be the program's own choice. To be asked before connect.
bool may_be_given(int fd);

/// True: the flag is set. connect has succeeded, and may have waited for that, or is under way.
bool give(int fd, bool has_waited);

/// Clears the flag, if this is the socket that it was given to.
void take_back(int fd);

/// Before bind, which must not find the flag on a socket whose connection has failed. listen needs no such
/// care: the kernel refuses it until the next connect has told of the failure. `facts` without the courtesy.
inline SocketFacts end(int fd, SocketFacts facts) {
    if (facts.port() == PortChoice::courteous) [[unlikely]] {
        take_back(fd);
    }
    return facts.without_courtesy();
}

} // namespace portguard::courtesy
