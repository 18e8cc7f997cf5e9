// Two processes bind one port at once, over a TIME_WAIT that the cure can get past: "cure_race PORT TRIES".
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace {

struct Shared {
    std::atomic<int> arrived{0};
    std::atomic<int> bound{0};
};

int number(const char* text) {
    return static_cast<int>(std::strtol(text, nullptr, 10));
}

sockaddr_in any_address(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
}

bool bind_to(int fd, int port) {
    const sockaddr_in address = any_address(port);
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// The accepted side closes first and keeps the port.
void leave_time_wait(int port) {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    const int client = ::socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = any_address(port);
    if (!bind_to(listener, port) || ::listen(listener, 1) != 0 ||
        ::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        std::exit(3);
    }
    ::close(::accept(listener, nullptr, nullptr));
    ::close(listener);
    pollfd end{client, POLLIN, 0};
    ::poll(&end, 1, 1000);
    ::close(client);
}

/// Waits until both are here; ends the process where the other never comes.
void meet(Shared& shared, int round) {
    ++shared.arrived;
    for (long turn = 0; shared.arrived < 2 * round; ++turn) {
        if (turn > 20000000) {
            std::_Exit(4);
        }
        ::sched_yield();
    }
}

void race(Shared& shared, int port, int tries, bool counts) {
    int both = 0;
    int one = 0;
    for (int round = 0; round < tries; ++round) {
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        meet(shared, 3 * round + 1);
        shared.bound += bind_to(fd, port) ? 1 : 0;
        meet(shared, 3 * round + 2);
        if (counts) {
            both += shared.bound == 2 ? 1 : 0;
            one += shared.bound == 1 ? 1 : 0;
            shared.bound = 0;
        }
        ::close(fd);
        meet(shared, 3 * round + 3);
    }
    if (counts) {
        std::printf("tries -> %d\nboth bound -> %d\none bound -> %d\n", tries, both, one);
    }
}

} // namespace

int main(int count, char** arguments) {
    const int port = number(count > 1 ? arguments[1] : "0");
    const int tries = number(count > 2 ? arguments[2] : "0");
    leave_time_wait(port);
    void* const memory =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    auto& shared = *new (memory) Shared;
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        race(shared, port, tries, false);
        std::_Exit(0);
    }
    race(shared, port, tries, true);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 5;
}
