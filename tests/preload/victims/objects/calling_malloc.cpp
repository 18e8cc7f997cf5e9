// An allocator that opens and closes a socket on its way, as one that logs to a collector might.
#include <cstddef>

#include <sys/socket.h>
#include <unistd.h>

extern "C" void* __libc_malloc(std::size_t size); // NOLINT(bugprone-reserved-identifier)

extern "C" void* malloc(std::size_t size) noexcept {
    static thread_local bool inside = false;
    if (!inside) {
        inside = true;
        ::close(::socket(AF_INET, SOCK_DGRAM, 0));
        inside = false;
    }
    return __libc_malloc(size);
}
