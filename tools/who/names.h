// Names instead of numbers, from the files of /etc: a static program has no other way to ask for them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace portguard::tools {

/// services(5), as text: the port of a service; 0: the file has none.
std::uint16_t port_of_service(std::string_view services, std::string_view name);

/// hosts(5), as text: the addresses of a host.
std::vector<std::string> addresses_of_host(std::string_view hosts, std::string_view name);

/// passwd(5), as text; empty: it has none.
std::string name_of_user(std::string_view users, uid_t uid);

/// A file of /etc, whole; empty: it cannot be read.
std::string text_of_names(const char* path);

inline constexpr const char* services_file = "/etc/services";
inline constexpr const char* hosts_file = "/etc/hosts";
inline constexpr const char* users_file = "/etc/passwd";

} // namespace portguard::tools
