// --netns: looking at another network namespace than the caller's.
#pragma once

#include <string>

#include "tools/cli/command.h"

namespace portguard::tools {

/// For Command::own.
inline constexpr Parameter netns_parameter{
    "netns", "NAME|PID", "",
    "look in this network namespace (`ip netns list`), or in that of a process; needs CAP_SYS_ADMIN there"};

/// Moves this process, which has one thread, into the namespace of --netns, where that was given. Sockets
/// made before stay where they are; what is made or read in /proc/sys/net afterwards is of the other one.
/// Throws Refusal.
void enter_netns(const Arguments& arguments);

/// What runs a command in that namespace: "ip netns exec blue "; empty: it is the caller's own.
std::string netns_prefix(const Arguments& arguments);

/// Of a value of --netns.
std::string netns_prefix(const std::string& value);

/// What a command that changes that namespace has to begin with: "sudo ", "ip netns exec blue ".
std::string as_root_prefix(const Arguments& arguments);

} // namespace portguard::tools
