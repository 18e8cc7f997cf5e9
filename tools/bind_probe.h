// What bind(2) says, by asking it: what a look-up cannot show (the SO_REUSEADDR of a TIME_WAIT, kernels
// before 6.8) has its effect there.
#pragma once

#include <optional>
#include <string>

#include "core/event.h"
#include "kernel/overlap.h"

namespace portguard::tools {

/// errno of binding a socket of its own, which is closed at once; 0: it went through. A wildcard IPv6 address
/// stands for both families, and for 0.0.0.0 where the kernel has no IPv6.
int probe_bind(const AskedAddress& asked, Protocol protocol, bool reuseaddr);

/// "would succeed", "EADDRINUSE".
std::string probe_words(int error);

} // namespace portguard::tools
