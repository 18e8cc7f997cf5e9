#include "tools/supervise/borrowed_socket.h"

#include <cerrno>

#include <unistd.h>

#include "core/policy.h"
#include "preload/host_plan.h"

namespace portguard::tools {
namespace {

std::uint64_t network_cookie_of(int fd) {
    std::uint64_t cookie = 0;
    read_socket_option(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie);
    return cookie;
}

} // namespace

BorrowedSocket::BorrowedSocket(const Supervision& supervision, const Caller& caller, int program_fd)
    : tree_(*supervision.tree), fd_(caller.borrow(program_fd)), error_(errno) {
    if (fd_ < 0) {
        error_ = errno;
        return;
    }
    facts_ = ask_facts();
    cookie_ = socket_state::cookie(fd_);
    is_guarded_ =
        facts_.protocol() != Protocol::other && network_cookie_of(fd_) == supervision.network_cookie;
    fd_memory::remember(fd_, facts_);
}

BorrowedSocket::~BorrowedSocket() {
    if (fd_ >= 0) {
        fd_memory::forget(fd_);
        ::close(fd_);
    }
}

/// socket_state::facts_of(), but that a range which is ours is not the program's choice.
SocketFacts BorrowedSocket::ask_facts() const {
    const SocketFacts asked = socket_state::facts_of(fd_);
    if (asked.protocol() == Protocol::other) {
        return asked;
    }
    const SocketFacts remembered = tree_.sockets.recall(socket_state::cookie(fd_));
    SocketFacts facts = SocketFacts::of(asked.protocol()).with_port(remembered.port());
    if (asked.chose_reuseaddr()) {
        facts = facts.with_chosen_reuseaddr();
    }
    if (!asked.chose_range()) {
        return facts;
    }
    const std::uint32_t ours = range_option_value(host_plan::plan().range);
    std::uint32_t range = 0;
    read_socket_option(fd_, SOL_IP, ip_local_port_range, range);
    return range == ours ? facts.with_clamp() : facts.with_chosen_range();
}

void BorrowedSocket::keep_facts() const {
    if (cookie_ != 0) {
        tree_.sockets.remember(cookie_, fd_memory::recall(fd_));
    }
}

} // namespace portguard::tools
