// Time per connect while a range fills: connections to PORT of 127.0.0.1 (and 127.0.0.2 by turns, where there
// are two DESTINATIONS) stay open until connect fails. usage: connect_fill PORT DESTINATIONS BUCKET Says, for
// each BUCKET connections, how many there are by then and the median time of a connect in nanoseconds.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

/// A process may have 20,000 descriptors on many machines: several share the connections.
constexpr int connections_a_worker = 15000;
constexpr int most_workers = 8;

sockaddr_in destination(int port, int index) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<unsigned>(index));
    return address;
}

/// Never accepts: a connection that waits for that takes no descriptor.
void listen_on(const sockaddr_in& address) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd, 65535) != 0) {
        std::perror("connect_fill");
        std::exit(1);
    }
}

long now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

/// -1: connect failed.
long time_connect(const sockaddr_in& address) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const long start = now_ns();
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? now_ns() - start
                                                                                           : -1;
}

/// False: the range is full.
bool fill(int port, int destinations, int bucket, int made) {
    std::vector<long> times;
    for (int index = made; index < made + connections_a_worker; ++index) {
        const long time = time_connect(destination(port, index % destinations));
        if (time < 0) {
            return false;
        }
        times.push_back(time);
        if (static_cast<int>(times.size()) == bucket) {
            std::nth_element(times.begin(), times.begin() + bucket / 2, times.end());
            std::printf("%d %ld\n", index + 1, times[static_cast<std::size_t>(bucket) / 2]);
            std::fflush(stdout);
            times.clear();
        }
    }
    return true;
}

} // namespace

int main(int count, char** arguments) {
    if (count != 4) {
        return 2;
    }
    const int port = std::atoi(arguments[1]);
    const int destinations = std::atoi(arguments[2]);
    for (int index = 0; index < destinations; ++index) {
        listen_on(destination(port, index));
    }
    std::array<int, 2> full{};
    std::array<int, 2> end{};
    if (::pipe(full.data()) != 0 || ::pipe(end.data()) != 0) {
        return 1;
    }
    char more = 1;
    for (int worker = 0; worker < most_workers && more == 1; ++worker) {
        if (::fork() == 0) {
            ::close(end[1]);
            more = fill(port, destinations, std::atoi(arguments[3]), worker * connections_a_worker) ? 1 : 0;
            // The connections stay until the parent closes its end.
            const bool told = ::write(full[1], &more, 1) == 1;
            ::_exit(told && ::read(end[0], &more, 1) == 0 ? 0 : 1);
        }
        if (::read(full[0], &more, 1) != 1) {
            more = 0;
        }
    }
    ::close(end[1]);
    while (::wait(nullptr) > 0) {
    }
    return 0;
}
