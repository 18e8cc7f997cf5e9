// Keeps calls that went through in the ring (core/ring.h), for reports to come. Only where `remember` asks
// for it.
#pragma once

#include <sys/socket.h>

#include "core/call.h"
#include "core/endpoint.h"
#include "preload/guard.h"

namespace portguard::remember {

/// `kernel_chose`: the program left the choice of the port to the kernel. `remote`: the peer of a connect.
/// errno is left alone.
[[gnu::cold, gnu::noinline]] void keep(int fd, Call call, bool kernel_chose, const Endpoint& remote);

inline bool is_wanted() {
    return guard::config().remember != Remember::off;
}

} // namespace portguard::remember
