// Sockets put together by whose they are: a server with 40 ports is one finding, not 40.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tools/check/host_facts.h"

namespace portguard::tools {

struct Group {
    /// As who_has() says it.
    std::string who;
    std::vector<pid_t> pids;
    std::set<std::uint16_t> ports;
    std::size_t sockets = 0;
};

/// Each once, in the order of /proc.
std::vector<pid_t> pids_of(const HostFacts& facts, const DiagSocket& socket);

/// "nginx[100]", "nginx[100] and 3 more", "a process of uid 33 that cannot be seen from here", "the kernel".
std::string who_has(const HostFacts& facts, const DiagSocket& socket, const std::vector<pid_t>& pids);

/// In the order of who has them.
std::vector<Group> grouped(const HostFacts& facts, const std::function<bool(const SocketFact&)>& wanted);

/// "80,443,5000-14999".
std::string text_of(const std::set<std::uint16_t>& ports);
/// "port 80", "ports 80,443", "12 ports from 80 to 9000": for a sentence.
std::string ports_in_words(const std::set<std::uint16_t>& ports);

PortSet set_of(const std::set<std::uint16_t>& ports);
/// Of all `groups`.
PortSet set_of(const std::vector<Group>& groups);

/// For Finding::fix, with its end of line.
std::string sysctl_command(const HostFacts& facts, const std::string& setting);

} // namespace portguard::tools
