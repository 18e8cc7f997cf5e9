// Who has the name of a unix socket (unix(7)): NETLINK_SOCK_DIAG (net/unix/diag.c), and what lies at the
// path.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kernel/holders.h"

namespace portguard {

/// What stands at the path. A symbolic link is not followed, since bind(2) does not follow it either.
enum class PathKind : std::uint8_t {
    abstract,
    missing,
    socket,
    symbolic_link,
    folder,
    regular_file,
    other,
    unknown
};

struct UnixLook {
    PathKind kind = PathKind::unknown;
    /// Whether any socket is bound to the file, in whichever network namespace; for PathKind::socket.
    std::optional<bool> is_bound;
    /// Why that is not known: errno of a connect to it (EACCES where the file may not be written); 0: it is.
    int connect_error = 0;
    /// Removing the file takes rights that this process lacks.
    bool removal_needs_root = false;
    /// Sockets that are bound to the name, those that listen first; what they have accepted is left out. As
    /// find_holders() has them, with Holder::unix_name.
    HolderReport report;
};

/// `name` is as unix_name() has it; a relative path is one of the working directory. For the network
/// namespace of the calling thread. No listener notices that it was asked about.
UnixLook look_at_unix_name(const std::string& name, const HolderOptions& options);

} // namespace portguard
