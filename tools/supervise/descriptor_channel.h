// Hands a descriptor from one process to another.
#pragma once

namespace portguard::tools {

/// `channel`: a connected unix socket, whose messages are kept apart.
bool send_descriptor(int channel, int fd);
/// Close-on-exec; -1: the other end has gone, or has sent none.
int receive_descriptor(int channel);

} // namespace portguard::tools
