// A library of the program's: its constructor runs before that of any preloaded object.
#include <cstdio>

#include <netinet/in.h>
#include <unistd.h>

namespace {

[[gnu::constructor]] void bind_early() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(20000);
    const int result = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    std::printf("in a constructor -> %s\n", result == 0 ? "bound" : "refused");
    ::close(fd);
}

} // namespace

extern "C" void portguard_victim_early() {}
