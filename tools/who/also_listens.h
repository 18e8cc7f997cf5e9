// What else a process serves: who is about to end it should know.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

#include "core/port_set.h"

namespace portguard::tools {

struct AlsoListens {
    pid_t pid = 0;
    /// TCP.
    PortSet ports;
};

/// Those of `pids` that listen on ports beside `port`, as far as their descriptors may be read.
std::vector<AlsoListens> what_also_listens(std::span<const pid_t> pids, std::uint16_t port);

/// "listens on 29 other ports as well: 80,443,8000-8026"; of very many, only their number.
std::string describe(const AlsoListens& also);

} // namespace portguard::tools
