#include "tools/supervise/caller_cache.h"

#include <utility>

#include <sys/resource.h>
#include <unistd.h>

namespace portguard::tools {

namespace {

rlim_t descriptor_limit() {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

} // namespace

CallerCache::Kept CallerCache::take(pid_t tid) {
    Kept& place = place_of(tid);
    if (place.tid != tid) {
        return {};
    }
    Kept taken = std::exchange(place, {});
    taken.network = trusts_networks_ ? taken.network : 0;
    return taken;
}

void CallerCache::put(const Kept& kept) {
    // RLIMIT_NOFILE is the program's, and what is left of it is for its sockets.
    static const rlim_t descriptors = descriptor_limit();
    Kept& place = place_of(kept.tid);
    const Kept last =
        static_cast<rlim_t>(kept.descriptor) < descriptors / 2 ? std::exchange(place, kept) : kept;
    if (last.descriptor >= 0) {
        ::close(last.descriptor);
    }
}

} // namespace portguard::tools
