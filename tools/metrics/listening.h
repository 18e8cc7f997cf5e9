// Where `portguard metrics` serves its page.
#pragma once

#include <string>
#include <vector>

namespace portguard::tools {

/// What --listen names for the sockets that systemd has opened (sd_listen_fds(3)).
inline constexpr std::string_view systemd_word = "systemd";

/// Sockets that listen and do not block. Throws Refusal.
std::vector<int> listening_sockets(const std::string& where);

} // namespace portguard::tools
