// The port-0 numbers of this process (core/given_ports.h).
#pragma once

#include <cstdint>

namespace portguard::given_numbers {

/// bind to port 0 has succeeded: asks the kernel for the number. Not known later, since nothing of ours sees
/// the program read it, and the socket may be closed when the number is asked for again.
void note(int fd);

bool contain(std::uint16_t port);

} // namespace portguard::given_numbers
