// Which units of systemd's listen on a port for others (systemd.socket(5)).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace portguard {

/// By the files of the units; empty where systemd does not run.
std::vector<std::string> find_socket_units(std::uint16_t port);

} // namespace portguard
