// The next object in the chain for benches: every call returns at once, so that no system call hides what the
// shim itself costs.
#include <sys/socket.h>
#include <unistd.h>

extern "C" {

[[gnu::visibility("default")]] int socket(int /*domain*/, int /*type*/, int /*protocol*/) noexcept {
    return 100;
}
[[gnu::visibility("default")]] int bind(int /*fd*/, const sockaddr* /*address*/,
                                        socklen_t /*length*/) noexcept {
    return 0;
}
[[gnu::visibility("default")]] int listen(int /*fd*/, int /*backlog*/) noexcept {
    return 0;
}
[[gnu::visibility("default")]] int connect(int /*fd*/, const sockaddr* /*address*/, socklen_t /*length*/) {
    return 0;
}
[[gnu::visibility("default")]] int setsockopt(int /*fd*/, int /*level*/, int /*option*/,
                                              const void* /*value*/, socklen_t /*length*/) noexcept {
    return 0;
}
[[gnu::visibility("default")]] int close(int /*fd*/) {
    return 0;
}
[[gnu::visibility("default")]] int dup2(int /*old_fd*/, int new_fd) noexcept {
    return new_fd;
}
}
