// The calls that a Worker makes, and what each has to answer.
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress/worker.h"

namespace portguard::stress {
namespace {

using State = Socket::State;

// A child of another thread may still hold what this one has closed.
constexpr auto patience = std::chrono::seconds(20);

/// 0 or errno.
int bind_to(int fd, int port) {
    const sockaddr_in address = loopback(port);
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

int connect_to(int fd, int port) {
    const sockaddr_in address = loopback(port);
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

int local_port(int fd) {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
        fail("getsockname");
    }
    return ntohs(address.sin_port);
}

/// Without it every connection would leave a port in TIME_WAIT for a minute.
void reset_on_close(int fd) {
    const linger at_once{1, 0};
    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0) {
        fail("setsockopt(SO_LINGER)");
    }
}

/// " on port 10001: ..., ...": the rows of /proc/net/tcp, for whoever has to find out why.
std::string sockets_of(int port) {
    std::array<char, 8> wanted{};
    std::snprintf(wanted.data(), wanted.size(), ":%04X ", static_cast<unsigned>(port));
    std::string found = " on port " + std::to_string(port) + ":";
    std::ifstream table("/proc/net/tcp");
    for (std::string row; std::getline(table, row);) {
        if (row.find(wanted.data()) != std::string::npos) {
            found += " [" + row.substr(6, 31) + "]";
        }
    }
    return found;
}

void expect_outside_plan(int port, const char* call) {
    if (port >= first_listen_port && port <= last_listen_port) {
        fail(std::string(call) + " was given port " + std::to_string(port) + " of the plan");
    }
}

void expect_clean_exit(pid_t child, const char* what) {
    int status = -1;
    while (waitpid(child, &status, 0) != child) {
        if (errno != EINTR) {
            fail("waitpid");
        }
    }
    if (status != 0) {
        fail(std::string(what) + " ended with status " + std::to_string(status));
    }
}

} // namespace

void Worker::bind_in_plan() {
    Slot* const slot = any(true, State::fresh);
    if (slot == nullptr) {
        return;
    }
    const int chosen = first_port_ + static_cast<int>(below(ports_each / 2));
    Port& port = ports_[static_cast<std::size_t>(number_of(chosen))];
    const std::string what = "bind to " + std::to_string(chosen);
    if (!port.holder.expired()) {
        expect(bind_to(slot->fd, chosen), EADDRINUSE, what + ", which is taken");
        return;
    }
    const auto end = std::chrono::steady_clock::now() + patience;
    int error = bind_to(slot->fd, chosen);
    const bool first_try = error == 0;
    if (port.may_linger) {
        ++met_the_dead_;
        cured_ += first_try ? 1 : 0;
        // Whether they have the flag depends on what was remembered of their listener's number.
        if (error == EADDRINUSE) {
            return;
        }
    }
    while (error == EADDRINUSE && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        error = bind_to(slot->fd, chosen);
    }
    expect(error, 0, what + ", which is free");
    slot->socket->state = State::bound;
    slot->socket->port = chosen;
    port = {slot->socket, port.may_linger};
}

void Worker::bind_outside_plan() {
    Slot* const slot = any(below(2) == 0, State::fresh);
    if (slot != nullptr) {
        // Resolvers pick another port on EADDRINUSE only.
        expect(bind_to(slot->fd, refused_port + static_cast<int>(below(1000))),
               slot->socket->tcp ? EACCES : EADDRINUSE,
               std::string("bind outside the plan of a ") + (slot->socket->tcp ? "tcp" : "udp") + " socket");
    }
}

void Worker::bind_port_zero() {
    Slot* const slot = any(below(2) == 0, State::fresh);
    if (slot == nullptr) {
        return;
    }
    expect(bind_to(slot->fd, 0), 0, "bind to port 0");
    if (!slot->unseen) {
        expect_outside_plan(local_port(slot->fd), "bind to port 0");
    }
    slot->socket->state = slot->socket->tcp ? State::bound : State::other;
}

void Worker::listen_on() {
    Slot* const slot = any(true, State::bound);
    if (slot != nullptr) {
        const int error = ::listen(slot->fd, 64) == 0 ? 0 : errno;
        expect(error, 0, error == 0 ? "" : "listen" + sockets_of(local_port(slot->fd)));
        slot->socket->state = State::listening;
    }
}

void Worker::connect_and_accept() {
    const Slot* const found = any(true, State::listening);
    Slot* const client = any(true, State::fresh);
    if (found == nullptr || client == nullptr) {
        return;
    }
    const Slot server = *found;
    const int port = local_port(server.fd);
    expect(connect_to(client->fd, port), 0, "connect to a listener");
    if (!client->unseen) {
        expect_outside_plan(local_port(client->fd), "connect");
    }
    client->socket->state = State::connected;
    if (below(20) != 0) {
        reset_on_close(client->fd);
    }
    const int accepted = ::accept4(server.fd, nullptr, nullptr, SOCK_CLOEXEC);
    add(accepted, {State::connected});
    if (server.socket->port != 0) {
        ports_[static_cast<std::size_t>(number_of(server.socket->port))].may_linger = true;
    }
}

void Worker::connect_to_nobody() {
    Slot* const slot = any(true, State::fresh);
    if (slot != nullptr) {
        // Of the upper half, which nobody binds.
        expect(connect_to(slot->fd, first_port_ + ports_each - 1), ECONNREFUSED, "connect to nobody");
        slot->socket->state = State::other;
    }
}

void Worker::send_datagram() {
    Slot* const slot = any(false, State::fresh);
    if (slot == nullptr) {
        return;
    }
    const sockaddr_in nobody = loopback(first_port_ + ports_each - 1);
    const ssize_t sent =
        ::sendto(slot->fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&nobody), sizeof nobody);
    expect(sent == 1 ? 0 : errno, 0, "sendto");
    if (!slot->unseen) {
        expect_outside_plan(local_port(slot->fd), "sendto");
    }
    slot->socket->state = State::other;
}

void Worker::set_unwatched_option() {
    if (Slot* const slot = any(true, State::fresh); slot != nullptr) {
        const int on = 1;
        expect(::setsockopt(slot->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0 ? 0 : errno, 0,
               "setsockopt");
    }
}

/// A child of a process with threads, which may have been anywhere: it closes, and is refused and reports.
void Worker::fork_child() {
    const pid_t child = ::fork();
    if (child == 0) {
        // With the handler of this program it would end nothing.
        std::signal(SIGALRM, SIG_DFL);
        alarm(static_cast<unsigned>(patience.count()));
        for (const Slot& slot : slots_) {
            ::close(slot.fd);
        }
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const bool bound = bind_to(fd, refused_port) == EACCES;
        _exit(fd >= 0 && bound && ::close(fd) == 0 ? 0 : 1);
    }
    expect_clean_exit(child, "a forked child");
}

void Worker::vfork_and_exec() {
    const int unused = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const pid_t child = ::vfork();
    if (child == 0) {
        ::close(unused);
        ::execl("/bin/true", "true", nullptr);
        _exit(127);
    }
    expect_clean_exit(child, "a program after vfork");
    expect(::close(unused) == 0 ? 0 : errno, 0, "close after vfork");
}

} // namespace portguard::stress
