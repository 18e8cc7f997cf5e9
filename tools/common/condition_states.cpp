#include "tools/common/condition_states.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "kernel/socket_option.h"
#include "tools/common/condition.h"

namespace portguard::tools {
namespace {

void wait_for(WantedSocket wanted, SocketState state) {
    wanted.state = state;
    wait_for_state(wanted);
}

/// Sends what the peer does not read until its window is closed: a FIN then waits behind that, for as long as
/// the peer lives.
void fill_window(int fd) {
    const std::array<char, 65536> bytes{};
    constexpr int settled_ms = 20;
    pollfd writable{fd, POLLOUT, 0};
    while (::poll(&writable, 1, settled_ms) == 1) {
        if (::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
            return;
        }
    }
}

} // namespace

void close_down(const WantedSocket& wanted, int holder, int peer) {
    const auto ends_first = [](int first) { ::shutdown(first, SHUT_WR); };
    // Whoever sends FIN first is in FIN_WAIT, and the other one in CLOSE_WAIT, until that one closes too.
    switch (wanted.state) {
    case SocketState::close_wait: ends_first(peer); break;
    case SocketState::fin_wait2: ends_first(holder); break;
    case SocketState::fin_wait1:
        fill_window(holder);
        ends_first(holder);
        break;
    case SocketState::closing:
        fill_window(holder);
        ends_first(holder);
        wait_for(wanted, SocketState::fin_wait1);
        ends_first(peer);
        break;
    case SocketState::last_ack:
        fill_window(holder);
        ends_first(peer);
        wait_for(wanted, SocketState::close_wait);
        ends_first(holder);
        break;
    case SocketState::time_wait:
        ends_first(holder);
        wait_for(wanted, SocketState::fin_wait2);
        ends_first(peer);
        break;
    default: break;
    }
}

void wait_for_state(const WantedSocket& wanted) {
    constexpr int most_tries = 2000;
    for (int tries = 0; find_socket(wanted).state != wanted.state; ++tries) {
        if (tries == most_tries) {
            throw ConditionError(wanted, ETIME);
        }
        ::poll(nullptr, 0, 1);
    }
}

void reset_on_close(int fd) {
    const linger at_once{1, 0};
    set_socket_option(fd, SOL_SOCKET, SO_LINGER, at_once);
}

void make_nonblocking(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

} // namespace portguard::tools
