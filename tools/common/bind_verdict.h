// What bind(2) would say. A server may be about to start on the port: what a look-up shows is judged by the
// rule of the kernel, and a socket is bound only where that does not tell and the server is refused anyway,
// or would not mind.
#pragma once

#include <optional>
#include <string>

#include "core/call.h"
#include "kernel/holders.h"

namespace portguard::tools {

struct BindVerdict {
    /// errno of a bind; 0: it would succeed.
    int plain = 0;
    /// With SO_REUSEADDR. Nothing where the flag of a socket that is only bound may not be read; 0 for UDP.
    std::optional<int> reuseaddr;
};

/// `report` is of find_holders(); with HolderOptions::owners off, only `plain` is worth reading. A wildcard
/// IPv6 address stands for both families, and for 0.0.0.0 where the kernel has no IPv6.
BindVerdict judge_bind(const AskedAddress& asked, Protocol protocol, const HolderReport& report);

/// "would succeed", "EADDRINUSE".
std::string probe_words(int error);

} // namespace portguard::tools
