// Answers every request of every client of the outgoing load, and remembers the port that each came from, as
// the kernel gives it to accept(2) and recvfrom(2). usage: load_server PORT LOW HIGH
//
// A line on standard input asks for one on standard output, and begins anew unless it is "?":
// {"tcp": connections, "udp": datagrams, "tcp_inside": from LOW-HIGH, "udp_inside": ..., "seconds": between
// the first and the last of them}
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr std::string_view http_answer =
    "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
constexpr std::string_view redis_answer = "+PONG\r\n";

struct Count {
    long all = 0;
    long inside = 0;
};

using Clock = std::chrono::steady_clock;

struct Server {
    int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    int low;
    int high;
    Count tcp{};
    Count udp{};
    Clock::time_point first{};
    Clock::time_point last{};

    void note(Count& count, const sockaddr_in& peer) {
        last = Clock::now();
        first = tcp.all + udp.all == 0 ? last : first;
        const int port = ntohs(peer.sin_port);
        ++count.all;
        count.inside += low <= port && port <= high ? 1 : 0;
    }
};

int open_socket(int type, int port) {
    const int fd = ::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    const int buffer = 1 << 24;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        (type == SOCK_STREAM && ::listen(fd, 4096) != 0)) {
        std::perror("load_server");
        std::exit(1);
    }
    return fd;
}

void watch(const Server& server, int fd) {
    epoll_event event{EPOLLIN, {.fd = fd}};
    ::epoll_ctl(server.epoll, EPOLL_CTL_ADD, fd, &event);
}

void accept_all(Server& server, int listener) {
    for (;;) {
        sockaddr_in peer{};
        socklen_t length = sizeof peer;
        const int fd =
            ::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        server.note(server.tcp, peer);
        watch(server, fd);
    }
}

void receive_all(Server& server, int fd) {
    std::array<char, 64> text{};
    sockaddr_in peer{};
    socklen_t length = sizeof peer;
    while (::recvfrom(fd, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&peer), &length) >= 0) {
        server.note(server.udp, peer);
    }
}

/// Our end is closed first, so that the TIME_WAIT is ours and the client's port is free again.
void answer(int fd) {
    std::array<char, 4096> request{};
    const ssize_t count = ::recv(fd, request.data(), request.size(), 0);
    if (count <= 0) {
        ::close(fd);
        return;
    }
    const bool http = std::string_view(request.data(), static_cast<std::size_t>(count)).starts_with("GET ");
    const std::string_view text = http ? http_answer : redis_answer;
    if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) > 0) {
        ::shutdown(fd, SHUT_WR);
    }
}

/// False: nobody will ask any more.
bool report(Server& server) {
    std::array<char, 16> line{};
    if (::read(STDIN_FILENO, line.data(), line.size()) <= 0) {
        return false;
    }
    std::printf("{\"tcp\": %ld, \"udp\": %ld, \"tcp_inside\": %ld, \"udp_inside\": %ld, \"seconds\": %.6f}\n",
                server.tcp.all, server.udp.all, server.tcp.inside, server.udp.inside,
                std::chrono::duration<double>(server.last - server.first).count());
    std::fflush(stdout);
    if (line.front() != '?') {
        server.tcp = {};
        server.udp = {};
    }
    return true;
}

} // namespace

int main(int count, char** arguments) {
    if (count != 4) {
        return 2;
    }
    Server server{.low = std::atoi(arguments[2]), .high = std::atoi(arguments[3])};
    const int listener = open_socket(SOCK_STREAM, std::atoi(arguments[1]));
    const int datagrams = open_socket(SOCK_DGRAM, std::atoi(arguments[1]));
    for (const int fd : {listener, datagrams, STDIN_FILENO}) {
        watch(server, fd);
    }
    std::array<epoll_event, 256> events{};
    for (;;) {
        const int ready = ::epoll_wait(server.epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int index = 0; index < ready; ++index) {
            const int fd = events[static_cast<std::size_t>(index)].data.fd;
            if (fd == listener) {
                accept_all(server, fd);
            } else if (fd == datagrams) {
                receive_all(server, fd);
            } else if (fd != STDIN_FILENO) {
                answer(fd);
            } else if (!report(server)) {
                return 0;
            }
        }
    }
}
