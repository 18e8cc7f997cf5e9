// Fails to bind a port in use, in one child after the other, while in each another allocation fails: its
// n-th, or its n-th and all that follow. The diagnosis allocates by the program's malloc, which is this one.
//
// usage: allocation_faults cold|warm     warm: the module is loaded, and has reported once
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
}

namespace {

constexpr std::uint16_t busy_port = 10001;
constexpr long most_children = 150;

std::atomic<long> allocations{0};
std::atomic<long> first_to_fail{LONG_MAX};
std::atomic<long> last_to_fail{LONG_MAX};

bool is_failing() {
    const long number = ++allocations;
    if (number < first_to_fail || number > last_to_fail) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

} // namespace

extern "C" {

void* malloc(std::size_t size) {
    return is_failing() ? nullptr : __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    return is_failing() ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) {
    return is_failing() ? nullptr : __libc_realloc(block, size);
}

} // extern "C"

namespace {

int bind_busy_port() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(busy_port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int result = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = result == 0 ? 0 : errno;
    close(fd);
    return error;
}

/// How many allocations a report takes that none fails in.
long count_allocations() {
    int ends[2];
    if (pipe(ends) != 0) {
        _exit(64);
    }
    if (fork() == 0) {
        allocations = 0;
        bind_busy_port();
        const long count = allocations;
        _exit(write(ends[1], &count, sizeof count) == sizeof count ? 0 : 1);
    }
    long count = 0;
    const ssize_t length = read(ends[0], &count, sizeof count);
    wait(nullptr);
    return length == sizeof count ? count : 0;
}

/// How the child ends, as waitpid tells it.
int try_with_failing(long first, long last) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);
        allocations = 0;
        first_to_fail = first;
        last_to_fail = last;
        _exit(bind_busy_port() == EADDRINUSE ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

} // namespace

int main(int count, char** arguments) {
    if (count > 1 && std::strcmp(arguments[1], "warm") == 0) {
        bind_busy_port();
    }
    const long needed = count_allocations();
    const long step = needed / most_children + 1;
    long children = 0;
    int harmed = 0;
    for (long number = 1; number <= needed; number += step) {
        for (const long last : {number, LONG_MAX}) {
            const int status = try_with_failing(number, last);
            ++children;
            if (status != 0) {
                ++harmed;
                std::printf("failing %ld..%ld ended with status 0x%x\n", number, last,
                            static_cast<unsigned>(status));
            }
        }
    }
    std::printf("needed -> %ld\nchildren -> %ld\nharmed -> %d\n", needed, children, harmed);
    std::fflush(stdout);
    _exit(0);
}
