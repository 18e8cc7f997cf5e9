// Another preloaded object that has its own bind and connect, as libfaketime, authbind and their like do.
#include <cstdio>

#include <dlfcn.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

void say(const char* line, std::size_t length) {
    if (::write(STDOUT_FILENO, line, length) < 0) {
        ::_exit(99);
    }
}

} // namespace

extern "C" int bind(int fd, const sockaddr* address, socklen_t length) noexcept {
    say("other bind\n", 11);
    auto* const next = reinterpret_cast<int (*)(int, const sockaddr*, socklen_t)>(dlsym(RTLD_NEXT, "bind"));
    return next(fd, address, length);
}

extern "C" int connect(int fd, const sockaddr* address, socklen_t length) {
    say("other connect\n", 14);
    auto* const next =
        reinterpret_cast<int (*)(int, const sockaddr*, socklen_t)>(dlsym(RTLD_NEXT, "connect"));
    return next(fd, address, length);
}
