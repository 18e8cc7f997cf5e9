// A victim that connects more often than one process has descriptors for, and says what came of it.
//
// fill ADDRESS PORT WORKERS LOW HIGH [reuseaddr]: each worker keeps its connections open until connect fails
//     or it has its share, then all report: how many, on how many distinct ports of LOW-HIGH, with which
//     errno it ended, and how many descriptors are there beside the connections' own.
// self ADDRESS PORT COUNT: COUNT connects to a port where nobody listens; how many met themselves?
#include <array>
#include <atomic>
#include <bitset>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

struct Address {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;

    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] std::uint16_t port() const {
        return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
    }
};

/// IPv6 where `text` holds a colon.
Address read_address(const char* text, int port) {
    Address address;
    if (std::strchr(text, ':') != nullptr) {
        auto& six = reinterpret_cast<sockaddr_in6&>(address.storage);
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(static_cast<std::uint16_t>(port));
        ::inet_pton(AF_INET6, text, &six.sin6_addr);
        address.length = sizeof six;
        return address;
    }
    auto& four = reinterpret_cast<sockaddr_in&>(address.storage);
    four.sin_family = AF_INET;
    four.sin_port = htons(static_cast<std::uint16_t>(port));
    ::inet_pton(AF_INET, text, &four.sin_addr);
    address.length = sizeof four;
    return address;
}

Address local_address(int fd) {
    Address address;
    ::getsockname(fd, address.get(), &address.length);
    return address;
}

/// Shared by the workers.
struct Tally {
    std::array<std::atomic<int>, 65536> uses;
    std::atomic<int> connected;
    std::atomic<int> stray_descriptors;
    std::atomic<int> last_error;
    std::atomic<int> workers_full;
};

/// Below the 20,000 descriptors that many machines allow, and a little above a quarter of all ports: of four
/// workers one meets the end, however unevenly they run.
constexpr int most_connections = 16200;

void allow_descriptors() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

int count_descriptors() {
    DIR* const folder = ::opendir("/proc/self/fd");
    int count = 0;
    while (::readdir(folder) != nullptr) {
        ++count;
    }
    ::closedir(folder);
    return count;
}

void fill(const Address& target, bool reuseaddr, Tally& tally) {
    const int before = count_descriptors();
    int mine = 0;
    while (mine < most_connections) {
        const int fd = ::socket(target.storage.ss_family, SOCK_STREAM, 0);
        const int on = reuseaddr ? 1 : 0;
        if (reuseaddr) {
            ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        }
        if (fd < 0 || ::connect(fd, target.get(), target.length) != 0) {
            tally.last_error = errno;
            ::close(fd);
            break;
        }
        ++tally.uses[local_address(fd).port()];
        ++mine;
    }
    tally.connected += mine;
    tally.stray_descriptors += count_descriptors() - before - mine;
}

/// All workers' connections are there until the last one has found no port.
int fill_by_workers(const Address& target, int workers, int low, int high, bool reuseaddr) {
    void* const memory =
        ::mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    auto& tally = *static_cast<Tally*>(memory);
    std::array<int, 2> done{};
    if (::pipe(done.data()) != 0) {
        return 1;
    }
    for (int worker = 0; worker < workers; ++worker) {
        if (::fork() == 0) {
            ::close(done[1]);
            fill(target, reuseaddr, tally);
            ++tally.workers_full;
            char byte = 0;
            // Until the parent has closed its end.
            ::_exit(static_cast<int>(::read(done[0], &byte, 1)));
        }
    }
    for (int spins = 0; tally.workers_full < workers && spins < 600000; ++spins) {
        ::usleep(100);
    }
    int distinct = 0;
    int outside = 0;
    for (int port = 0; port < 65536; ++port) {
        const bool inside = low <= port && port <= high;
        distinct += inside && tally.uses[static_cast<std::size_t>(port)] > 0 ? 1 : 0;
        outside += inside ? 0 : tally.uses[static_cast<std::size_t>(port)].load();
    }
    ::close(done[1]);
    while (::wait(nullptr) > 0) {
    }
    std::printf("connected %d on %d ports, %d outside, ended by %s, %d stray descriptors\n",
                tally.connected.load(), distinct, outside, strerrorname_np(tally.last_error),
                tally.stray_descriptors.load());
    return 0;
}

int meet_itself(const Address& target, int count) {
    int met = 0;
    for (int index = 0; index < count; ++index) {
        const int fd = ::socket(target.storage.ss_family, SOCK_STREAM, 0);
        met += ::connect(fd, target.get(), target.length) == 0 && local_address(fd).port() == target.port();
        const linger reset{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        ::close(fd);
    }
    std::printf("met itself %d times\n", met);
    return 0;
}

} // namespace

int main(int count, char** arguments) {
    if (count < 5) {
        return 2;
    }
    allow_descriptors();
    const Address target = read_address(arguments[2], std::atoi(arguments[3]));
    const int number = std::atoi(arguments[4]);
    return std::string(arguments[1]) == "self"
               ? meet_itself(target, number)
               : fill_by_workers(target, number, std::atoi(arguments[5]), std::atoi(arguments[6]), count > 7);
}
