// How the two ends of a connection get from ESTABLISHED to where they are wanted.
#pragma once

#include "tools/common/wanted_socket.h"

namespace portguard::tools {

/// Takes `holder` to wanted.state. Of TIME_WAIT the last step is left to the one who closes both. Throws
/// ConditionError.
void close_down(const WantedSocket& wanted, int holder, int peer);

/// FIN and ACK take their time, on loopback as well. Throws ConditionError (ETIME).
void wait_for_state(const WantedSocket& wanted);

/// close() sends an RST then, and leaves no TIME_WAIT behind.
void reset_on_close(int fd);

void make_nonblocking(int fd);

} // namespace portguard::tools
