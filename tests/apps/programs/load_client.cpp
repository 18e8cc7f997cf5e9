// The C++ client of the outgoing load: COUNT connections, or datagrams each from a socket of its own, to PORT
// of 127.0.1.1, 127.0.1.2 and so on. usage: load_client PORT COUNT tcp|udp; says "N succeeded, M failed".
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr int most_at_once = 200;
constexpr unsigned destinations = 250;

sockaddr_in destination(int port, int index) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(0x7f000101U + static_cast<unsigned>(index) % destinations);
    return address;
}

struct Load {
    int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    int succeeded = 0;
    int failed = 0;
    int under_way = 0;

    void begin(const sockaddr_in& address) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0 || (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
                       errno != EINPROGRESS)) {
            ++failed;
            ::close(fd);
            return;
        }
        epoll_event event{EPOLLOUT, {.fd = fd}};
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        ++under_way;
    }

    void end(int fd, bool success) {
        (success ? succeeded : failed) += 1;
        --under_way;
        ::close(fd);
    }

    /// Connected: asks. Answered to the end: done.
    void go_on(const epoll_event& event) {
        std::array<char, 256> text{};
        const int fd = event.data.fd;
        if ((event.events & EPOLLOUT) != 0 && ::send(fd, "x", 1, MSG_NOSIGNAL) == 1) {
            epoll_event reading{EPOLLIN, {.fd = fd}};
            ::epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &reading);
            return;
        }
        const ssize_t count = ::recv(fd, text.data(), text.size(), 0);
        if (count == 0 || (count < 0 && errno != EAGAIN)) {
            end(fd, count == 0);
        }
    }
};

void connect_all(Load& load, int port, int count) {
    std::array<epoll_event, most_at_once> events{};
    for (int begun = 0; begun < count || load.under_way > 0;) {
        while (begun < count && load.under_way < most_at_once) {
            load.begin(destination(port, begun++));
        }
        const int ready = ::epoll_wait(load.epoll, events.data(), most_at_once, 10000);
        if (ready == 0) {
            load.failed += load.under_way;
            return;
        }
        for (int index = 0; index < ready; ++index) {
            load.go_on(events[static_cast<std::size_t>(index)]);
        }
    }
}

void send_all(Load& load, int port, int count) {
    for (int index = 0; index < count; ++index) {
        const sockaddr_in address = destination(port, index);
        const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        const bool sent =
            ::sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 1;
        (sent ? load.succeeded : load.failed) += 1;
        ::close(fd);
    }
}

} // namespace

int main(int count, char** arguments) {
    if (count != 4) {
        return 2;
    }
    Load load;
    const bool tcp = std::string_view(arguments[3]) == "tcp";
    (tcp ? connect_all : send_all)(load, std::atoi(arguments[1]), std::atoi(arguments[2]));
    std::printf("%d succeeded, %d failed\n", load.succeeded, load.failed);
    return 0;
}
