#include "stress/worker.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace portguard::stress {
namespace {

constexpr std::size_t most_slots = 24;

} // namespace

void fail(const std::string& what) {
    std::fprintf(stderr, "stress: %s\n", what.c_str());
    std::fflush(stderr);
    std::abort();
}

void expect(int error, int wanted, const std::string& what) {
    if (error != wanted) {
        fail(what + ": " + (error == 0 ? "ok" : strerrorname_np(error)) + " where " +
             (wanted == 0 ? "ok" : strerrorname_np(wanted)) + " was due");
    }
}

sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

Worker::Worker(unsigned number, std::uint64_t seed)
    : number_(number), random_(seed * 0x9e3779b97f4a7c15 + number),
      first_port_(first_listen_port + static_cast<int>(number) * ports_each), ports_(ports_each) {
    slots_.reserve(most_slots);
}

Slot* Worker::any(bool tcp, Socket::State state) {
    const std::size_t start = slots_.empty() ? 0 : below(static_cast<unsigned>(slots_.size()));
    for (std::size_t offset = 0; offset < slots_.size(); ++offset) {
        Slot& slot = slots_[(start + offset) % slots_.size()];
        if (slot.socket->tcp == tcp && slot.socket->state == state) {
            return &slot;
        }
    }
    return nullptr;
}

Slot& Worker::add(int fd, Socket socket) {
    if (fd < 0) {
        fail(std::string("no descriptor: ") + strerrorname_np(errno));
    }
    if (slots_.size() == most_slots) {
        close_one();
    }
    slots_.push_back({fd, std::make_shared<Socket>(socket)});
    return slots_.back();
}

void Worker::forget(std::size_t index) {
    slots_[index] = slots_.back();
    slots_.pop_back();
}

void Worker::make_socket() {
    switch (below(8)) {
    case 0: add(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), {Socket::State::other}); return;
    case 1: add(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), {Socket::State::fresh, false}); return;
    default: add(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), {}); return;
    }
}

void Worker::copy_over_another() {
    if (slots_.size() < 2) {
        return;
    }
    const std::size_t from = below(static_cast<unsigned>(slots_.size()));
    const std::size_t over = below(static_cast<unsigned>(slots_.size()));
    if (from == over) {
        return;
    }
    // Seen or not: past libc, as libuv does.
    const bool unseen = below(2) == 0;
    const int old_fd = slots_[from].fd;
    const int new_fd = slots_[over].fd;
    const long result = unseen          ? ::syscall(SYS_dup3, old_fd, new_fd, O_CLOEXEC)
                        : below(2) == 0 ? ::dup3(old_fd, new_fd, O_CLOEXEC)
                                        : ::dup2(old_fd, new_fd);
    expect(result == new_fd ? 0 : errno, 0, "dup2 or dup3");
    slots_[over].socket = slots_[from].socket;
    // A range is the socket's own, whatever its number; what was set through an unseen number may be missing.
    slots_[over].unseen = unseen || slots_[from].unseen;
}

void Worker::close_one() {
    if (!slots_.empty()) {
        const std::size_t index = below(static_cast<unsigned>(slots_.size()));
        expect(::close(slots_[index].fd) == 0 ? 0 : errno, 0, "close");
        forget(index);
    }
}

void Worker::close_one_unseen() {
    if (!slots_.empty()) {
        const std::size_t index = below(static_cast<unsigned>(slots_.size()));
        const auto fd = static_cast<unsigned>(slots_[index].fd);
        expect(::close_range(fd, fd, 0) == 0 ? 0 : errno, 0, "close_range");
        forget(index);
    }
}

void Worker::close_all() {
    while (!slots_.empty()) {
        close_one();
    }
}

void Worker::step() {
    using Operation = void (Worker::*)();
    // By their share of the calls of a busy server.
    static constexpr std::array often{
        &Worker::make_socket,  &Worker::make_socket,         &Worker::make_socket,
        &Worker::bind_in_plan, &Worker::bind_in_plan,        &Worker::listen_on,
        &Worker::listen_on,    &Worker::connect_and_accept,  &Worker::connect_and_accept,
        &Worker::close_one,    &Worker::set_unwatched_option};
    static constexpr std::array seldom{&Worker::bind_outside_plan, &Worker::bind_port_zero,
                                       &Worker::connect_to_nobody, &Worker::copy_over_another,
                                       &Worker::close_one_unseen,  &Worker::send_datagram};
    static constexpr std::array rarely{&Worker::fork_child, &Worker::vfork_and_exec};
    const unsigned dice = below(1000);
    const Operation operation = dice < 2     ? rarely[below(rarely.size())]
                                : dice < 200 ? seldom[below(seldom.size())]
                                             : often[below(often.size())];
    (this->*operation)();
    steps_.fetch_add(1, std::memory_order_relaxed);
}

} // namespace portguard::stress
