// Ports and addresses as strings of any length, for reports.
#pragma once

#include <string>

#include "core/endpoint.h"
#include "core/port_set.h"

namespace portguard::tools {

/// "80,443,5000-14999": what --listen reads back.
std::string text_of(const PortSet& ports);
std::string text_of(PortRange range);
/// "10.1.2.3:80".
std::string text_of(const Endpoint& endpoint);

/// "1 port", "2 ports".
std::string counted(std::size_t count, const std::string& noun);

} // namespace portguard::tools
