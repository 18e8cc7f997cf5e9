// A server that no preload can reach: linked statically. Argument: the port. Binds and listens without
// SO_REUSEADDR, and exits with 0 or with the errno of the call that failed.
#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include <netinet/in.h>
#include <sys/socket.h>

int main(int argc, char** argv) {
    if (argc != 2) {
        return EINVAL;
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10)));
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd, 1) != 0) {
        return errno;
    }
    return 0;
}
