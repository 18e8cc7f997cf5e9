// Calls before any constructor has run, then the same again.
#include <cstdio>

#include <netinet/in.h>
#include <unistd.h>

extern "C" void portguard_victim_early();

namespace {

int bind_20000() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(20000);
    const int result = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::close(fd);
    return result;
}

int result_before_all = 1;

void before_all_constructors() {
    result_before_all = bind_20000();
}

[[gnu::section(".preinit_array"), gnu::used]] void (*preinit)() = before_all_constructors;

} // namespace

int main() {
    portguard_victim_early();
    std::printf("before all -> %s\n", result_before_all == 0 ? "bound" : "refused");
    std::printf("in main -> %s\n", bind_20000() == 0 ? "bound" : "refused");
    return 0;
}
