// One call of a program, between two closes of descriptors that never were: what the trace shows between
// those marks is the program's call and ours. The result is told by the exit status alone, for any other way
// may be made to fail.
//
// usage: fault_victim SITUATION [warm]     warm: the same has been told of once before, so that all is loaded
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int first_mark = 7777;
constexpr int second_mark = 7778;
constexpr int untouched_errno = 4242;

// What the exit status is made of: 0 success, else errno; a leak or an errno changed on success have their
// own.
constexpr int errno_was_changed = 200;
constexpr int descriptors_leaked = 201;

constexpr std::uint16_t busy_port = 10001;
constexpr std::uint16_t lingering_port = 10002;
constexpr std::uint16_t free_port = 10003;
constexpr std::uint16_t outside_port = 20000;
constexpr std::uint16_t server_port = 10004;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int bind_to(int fd, std::uint16_t port) {
    const sockaddr_in address = loopback(port);
    return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

int connect_to(int fd, std::uint16_t port) {
    const sockaddr_in address = loopback(port);
    return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

int open_descriptors() {
    int count = 0;
    for (int fd = 0; fd < 256; ++fd) {
        count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return count;
}

struct Situation {
    std::string_view name;
    /// Before the marks.
    int (*prepare)(int fd);
    int (*call)(int fd);
};

/// socket is a call of which we make something as well.
int connect_datagram_socket(int /*fd*/) {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    const int result = fd < 0 ? -1 : connect_to(fd, server_port);
    close(fd);
    return result;
}

int nothing(int /*fd*/) {
    return 0;
}

constexpr std::array situations{
    Situation{"in_use", nothing, [](int fd) { return bind_to(fd, busy_port); }},
    Situation{"cured", nothing, [](int fd) { return bind_to(fd, lingering_port); }},
    Situation{"refused", nothing, [](int fd) { return bind_to(fd, outside_port); }},
    Situation{"listen", [](int fd) { return bind_to(fd, free_port); }, [](int fd) { return listen(fd, 1); }},
    Situation{"connect", nothing, [](int fd) { return connect_to(fd, server_port); }},
    Situation{"port_zero", nothing, [](int fd) { return bind_to(fd, 0); }},
    Situation{"datagram", nothing, connect_datagram_socket},
};

int play(const Situation& situation) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || situation.prepare(fd) != 0) {
        _exit(254);
    }
    const int before = open_descriptors();
    close(first_mark);
    errno = untouched_errno;
    const int result = situation.call(fd);
    const int error = errno;
    close(second_mark);
    const int leaked = open_descriptors() - before;
    close(fd);
    if (result != 0) {
        return error;
    }
    return error != untouched_errno ? errno_was_changed : leaked != 0 ? descriptors_leaked : 0;
}

} // namespace

int main(int count, char** arguments) {
    for (const Situation& situation : situations) {
        if (count > 1 && situation.name == arguments[1]) {
            if (count > 2) {
                const int fd = socket(AF_INET, SOCK_STREAM, 0);
                bind_to(fd, busy_port);
                close(fd);
            }
            _exit(play(situation));
        }
    }
    _exit(253);
}
