// The seam between the supervisor and what it shares with the preloaded object: that asks preload/asker.h,
// and is answered of the thread that is served now.
#pragma once

#include <cstdint>
#include <string>

#include "core/config.h"
#include "tools/common/explain_helper.h"
#include "tools/supervise/caller.h"

namespace portguard::tools {

/// What the files of the preloaded object are given to ask.
enum class SocketAsked : std::uint8_t {
    its_own,
    /// One of the supervisor's, of its kind (asker::socket_stands_in).
    stand_in,
};

/// Of this thread, and of the children that it makes: they share its memory.
class ServedCaller {
public:
    /// `program_fd`: the program's number for the socket.
    ServedCaller(const Caller& caller, int program_fd, SocketAsked asked);
    ServedCaller(const ServedCaller&) = delete;
    ServedCaller& operator=(const ServedCaller&) = delete;
    ~ServedCaller();
};

/// While a ServedCaller lives.
const Caller& served_caller();
bool is_in_child_of_report();

/// What preload/guard.h has read in a program: `config` as the program would have it, without what a
/// supervisor cannot do. Once, in the supervisor, before it lets go of its standard error.
void set_up_guard(const Config& config, const ExplainerPaths& helpers, bool beside_library);

} // namespace portguard::tools
