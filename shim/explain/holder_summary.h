// The holders of a port in half a line.
#pragma once

#include <string>

#include "kernel/holders.h"

namespace portguard {

/// "python3[4100] 127.0.0.1:10000 → 127.0.0.1:7000 ESTABLISHED"; "3 TIME_WAIT sockets"; "nginx[12]
/// 0.0.0.0:80 LISTEN and 2 more". Empty where there is no holder. What other programs control in it is made
/// harmless (H31).
std::string summarize_holders(const HolderReport& report);

/// "nginx[12]", "a process that is not visible", "the kernel": who has it, as far as that is known.
std::string describe_owner(const HolderReport& report, const Holder& holder);

/// "127.0.0.1:10000 → 127.0.0.1:7000", "0.0.0.0:80".
std::string describe_addresses(const DiagSocket& socket);

/// TextWriter::add_untrusted for a string.
std::string harmless(std::string_view text);

} // namespace portguard
