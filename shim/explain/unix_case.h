// Why the name of a unix socket cannot be bound: what a look at it means. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "kernel/unix_sockets.h"

namespace portguard {

enum class UnixCase : std::uint8_t {
    /// Some socket is bound to it, and listens.
    listener,
    /// One is bound to it that does not listen: of datagrams, or about to.
    bound,
    /// A file that no socket is bound to.
    stale,
    /// Something else is at the path.
    not_a_socket,
    /// Nothing is there any more.
    vanished,
    unknown,
};

UnixCase case_of(const UnixLook& look);

/// Without a full stop. `name` is shown as it is.
std::string unix_sentence(const UnixLook& look, const std::string& name);

/// For a shell; empty where it would not be seen as it is.
std::string pasted_path(const std::string& path);

enum class Removal : std::uint8_t { plain, if_it_is_there };

/// "rm PATH", with sudo where it takes that. `path` is absolute. Empty: not for this file, or no text that
/// could be pasted.
std::string removal(const UnixLook& look, const std::string& path, Removal how);

/// The name as ss(8) shows it.
std::string shown_unix_name(std::string_view name);

} // namespace portguard
