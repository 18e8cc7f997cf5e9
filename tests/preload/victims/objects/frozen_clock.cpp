// A clock that stands still, as libfaketime makes it.
#include <ctime>

extern "C" int clock_gettime(clockid_t /*clock*/, timespec* now) noexcept {
    now->tv_sec = 1000;
    now->tv_nsec = 0;
    return 0;
}
