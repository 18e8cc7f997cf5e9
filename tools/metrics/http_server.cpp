#include "tools/metrics/http_server.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace portguard::tools {
namespace {

using namespace std::chrono_literals;

/// A host has two scrapers, seldom more.
constexpr std::size_t most_connections = 32;
/// For all of one connection.
constexpr auto patience = 5s;
/// Out of descriptors or memory: poll(2) would report the same connection at once again.
constexpr auto pause_without_room = 100ms;

} // namespace

HttpServer::HttpServer(std::vector<int> listeners, MakePage page)
    : listeners_(std::move(listeners)), page_(std::move(page)) {}

void HttpServer::serve() {
    while (true) {
        wait();
    }
}

void HttpServer::wait() {
    std::vector<pollfd> entries;
    int longest = -1;
    for (const Connection& connection : connections_) {
        const bool is_sending = !connection.answer.empty() && !connection.is_ending;
        entries.push_back({connection.fd, static_cast<short>(is_sending ? POLLOUT : POLLIN), 0});
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(connection.end - Clock::now());
        const int most = static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
        longest = longest < 0 ? most : std::min(longest, most);
    }
    for (const int listener : listeners_) {
        entries.push_back({listener, POLLIN, 0});
    }
    ::poll(entries.data(), entries.size(), longest);
    const auto now = Clock::now();
    for (std::size_t index = 0; index < connections_.size(); ++index) {
        Connection& connection = connections_[index];
        if (connection.end <= now || (entries[index].revents != 0 && !go_on(connection))) {
            ::close(std::exchange(connection.fd, -1));
        }
    }
    const std::size_t first_listener = connections_.size();
    drop_finished();
    for (std::size_t index = 0; index < listeners_.size(); ++index) {
        if (entries[first_listener + index].revents != 0) {
            accept_from(listeners_[index]);
        }
    }
}

void HttpServer::drop_finished() {
    std::erase_if(connections_, [](const Connection& connection) { return connection.fd < 0; });
}

/// Where there are too many, the oldest goes: who asks at once is answered whatever others keep open.
void HttpServer::accept_from(int listener) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            std::this_thread::sleep_for(pause_without_room);
        }
        return;
    }
    if (connections_.size() >= most_connections) {
        ::close(connections_.front().fd);
        connections_.erase(connections_.begin());
    }
    connections_.push_back({.fd = fd, .end = Clock::now() + patience});
}

bool HttpServer::go_on(Connection& connection) {
    return connection.answer.empty() || connection.is_ending ? receive(connection) : send(connection);
}

bool HttpServer::receive(Connection& connection) {
    std::array<char, longest_request> buffer{};
    const ssize_t count = ::recv(connection.fd, buffer.data(), buffer.size(), 0);
    if (count < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    if (count == 0 || connection.is_ending) {
        return count != 0;
    }
    connection.received.append(buffer.data(), static_cast<std::size_t>(count));
    const auto request = parse_request(connection.received);
    if (!request.has_value()) {
        return true;
    }
    connection.answer = http_answer(*request, request->status == 200 ? page_(request->format) : "");
    return send(connection);
}

bool HttpServer::send(Connection& connection) {
    const ssize_t count = ::send(connection.fd, connection.answer.data() + connection.sent,
                                 connection.answer.size() - connection.sent, MSG_NOSIGNAL);
    if (count < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    connection.sent += static_cast<std::size_t>(count);
    if (connection.sent == connection.answer.size()) {
        ::shutdown(connection.fd, SHUT_WR);
        connection.is_ending = true;
    }
    return true;
}

} // namespace portguard::tools
