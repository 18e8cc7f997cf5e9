#include "tools/supervise/caller_cache.h"

#include <utility>

#include <unistd.h>

namespace portguard::tools {

CallerCache::Kept CallerCache::take(pid_t tid) {
    for (Kept& each : kept_) {
        if (each.tid == tid) {
            Kept taken = std::exchange(each, {});
            taken.network = trusts_networks_ ? taken.network : 0;
            return taken;
        }
    }
    return {};
}

void CallerCache::put(const Kept& kept) {
    // Where numbers are short (RLIMIT_NOFILE is the program's), they are for its sockets.
    constexpr int most_descriptors = 512;
    Kept& place = kept_[static_cast<std::size_t>(kept.tid) % kept_.size()];
    const Kept last = kept.descriptor < most_descriptors ? std::exchange(place, kept) : kept;
    if (last.descriptor >= 0) {
        ::close(last.descriptor);
    }
}

} // namespace portguard::tools
