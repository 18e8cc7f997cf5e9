// Sockets brought into states of the kernel's: every one is real, and nothing is pretended.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tools/common/wanted_socket.h"

namespace portguard::tools {

/// A socket could not be had; error() is the kernel's errno, ETIME where a state did not come about.
class ConditionError : public std::runtime_error {
public:
    ConditionError(const WantedSocket& wanted, int error);
    [[nodiscard]] int error() const { return error_; }

private:
    int error_;
};

/// The descriptors of one process's part of a condition; they are closed with it.
class Condition {
public:
    Condition() = default;
    Condition(const Condition&) = delete;
    Condition& operator=(const Condition&) = delete;
    ~Condition();

    /// Adds all of `wanted`, those first that a listener would keep out, and returns once the kernel shows
    /// them. What a listener among them has to accept is accepted by it. Throws ConditionError.
    void add(std::span<const WantedSocket> wanted);

private:
    struct Listener {
        Endpoint local;
        int fd;
        /// It was asked for; else it goes once all is there.
        bool stays;
    };

    void listen(int fd, const WantedSocket& wanted);
    int open_socket(const WantedSocket& wanted, const AskedAddress& address);
    int bound_socket(const WantedSocket& wanted, const AskedAddress& address, bool reuseaddr);
    int listener_on(const WantedSocket& wanted, const AskedAddress& address, bool reuseaddr, bool stays);
    void add_unconnected(const WantedSocket& wanted);
    void add_connection(const WantedSocket& wanted);
    void add_attempt(const WantedSocket& wanted);
    int dial(const WantedSocket& wanted, const AskedAddress& from, bool chosen_by_kernel, int listener);
    void bring_into_state(const WantedSocket& wanted, int holder, int peer);
    void close_socket(int fd);

    std::vector<int> sockets_;
    std::vector<Listener> listeners_;
};

/// The socket of `wanted` as the kernel shows it; state unknown: it does not.
DiagSocket find_socket(const WantedSocket& wanted);

} // namespace portguard::tools
