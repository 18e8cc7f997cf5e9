// The holders of a port in half a line.
#pragma once

#include <optional>
#include <string>

#include "kernel/holders.h"

namespace portguard {

/// "python3[4100] 127.0.0.1:10000 → 127.0.0.1:7000 ESTABLISHED"; "3 TIME_WAIT sockets"; "nginx[12]
/// 0.0.0.0:80 LISTEN and 2 more". Empty where there is no holder. What other programs control in it is made
/// harmless (H31).
std::string summarize_holders(const HolderReport& report);

/// "nginx[12]", "a process of uid 33", "no process": who has it, as far as that is known.
std::string describe_owner(const HolderReport& report, const Holder& holder);

/// "0.0.0.0%eth0:80", as ss(8) has it.
std::string describe_local(const DiagSocket& socket);
/// The same with its peer: "127.0.0.1:10000 → 127.0.0.1:7000".
std::string describe_addresses(const DiagSocket& socket);

/// The same, or the name of a unix socket.
std::string describe_place(const Holder& holder);

/// "127.0.0.1:10000 TIME_WAIT, 43 s left".
std::string describe_socket(const DiagSocket& socket);

/// "SO_REUSEADDR on", "SO_REUSEADDR unknown".
std::string describe_reuseaddr(std::optional<bool> reuseaddr);

/// A line of a report: describe_socket(), and its flag where a process has it, else why none is known.
std::string describe_holder(const HolderReport& report, const Holder& holder);

/// The line below it: "pid 4100 fd 3 uid 0 and 2 more: python3 app.py".
std::string describe_first_owner(const HolderReport& report, const Holder& holder);

/// TextWriter::add_untrusted for a string.
std::string harmless(std::string_view text);

} // namespace portguard
