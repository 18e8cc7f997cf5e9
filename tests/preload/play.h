// Scripts for victims/socket_script.cpp, and what came of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "preload/run_victim.h"

namespace portguard::test {

using Environment = std::vector<std::string>;

/// The plan of most tests: the host's range covers part of what is to be listened on.
inline const Environment plan{"PORTGUARD_LISTEN=10000-19999", "PORTGUARD_EPHEMERAL=40000-50000"};
/// `plan` with more options, and options without a plan.
Environment plan_with(std::initializer_list<const char*> options);

struct Played {
    Finished result;
    /// What stands behind the n-th line (from 0) that begins with `statement`: "ok", an errno's name.
    [[nodiscard]] std::string said(std::string_view statement, std::size_t which = 0) const;
};

Played play(const std::string& script, const Environment& environment = {}, bool with_shim = true);

/// One connection from c to s, by listener l on `port`.
std::string connected_pair(int port, const std::string& client = "tcp4");
/// The server side of a connection to `port` is in TIME_WAIT, and its listener is gone.
std::string left_time_wait(int port);

/// hazard `name` of victims/hazard_main.cpp.
Played provoke(const std::string& name, const Environment& environment = plan);

} // namespace portguard::test
