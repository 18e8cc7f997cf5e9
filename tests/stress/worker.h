// One thread of the stress: random calls on sockets of its own, each checked against what it knows of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <netinet/in.h>

namespace portguard::stress {

// The plan that the program is run under (tests/stress/run). Every thread has ports of its own in it, so that
// it alone knows which of them are taken.
inline constexpr int first_listen_port = 10000;
inline constexpr int last_listen_port = 19999;
inline constexpr int ports_each = 100;
/// Below what the kernel gives for port 0 in this network: such a number is exempt.
inline constexpr int refused_port = 9000;

/// What the kernel has, however many descriptors share it.
struct Socket {
    enum class State { fresh, bound, listening, connected, other };
    State state = State::fresh;
    bool tcp = true;
    /// Of this thread's explicit ones; 0: none.
    int port = 0;
};

struct Slot {
    int fd = -1;
    std::shared_ptr<Socket> socket;
    /// The number changed hands where a preloaded object does not see it (syscall(2)): what it remembers may
    /// be of another.
    bool unseen = false;
};

class Worker {
public:
    Worker(unsigned number, std::uint64_t seed);

    /// One random operation.
    void step();
    void close_all();

    [[nodiscard]] std::uint64_t steps() const { return steps_.load(std::memory_order_relaxed); }
    /// Binds that met connections or TIME_WAIT of an earlier listener, and those of them that went through.
    [[nodiscard]] std::uint64_t met_the_dead() const { return met_the_dead_; }
    [[nodiscard]] std::uint64_t cured() const { return cured_; }

private:
    struct Port {
        std::weak_ptr<Socket> holder;
        /// A connection was accepted on it.
        bool may_linger = false;
    };

    void make_socket();
    void bind_in_plan();
    void bind_outside_plan();
    void bind_port_zero();
    void listen_on();
    void connect_and_accept();
    void connect_to_nobody();
    void set_unwatched_option();
    void copy_over_another();
    void close_one();
    void close_one_unseen();
    void fork_child();
    void vfork_and_exec();
    void send_datagram();

    unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
    Slot* any(bool tcp, Socket::State state);
    Slot& add(int fd, Socket socket);
    void forget(std::size_t index);
    int number_of(int port) const { return port - first_port_; }

    unsigned number_;
    std::mt19937_64 random_;
    int first_port_;
    std::vector<Slot> slots_;
    std::vector<Port> ports_;
    std::atomic<std::uint64_t> steps_{0};
    std::uint64_t met_the_dead_ = 0;
    std::uint64_t cured_ = 0;
};

/// Says what went wrong where, and ends the program: the state that it went wrong in is worth a core file.
[[noreturn]] void fail(const std::string& what);
/// Fails unless the call `what` has ended as the model has it: 0 or errno.
void expect(int error, int wanted, const std::string& what);

sockaddr_in loopback(int port);

} // namespace portguard::stress
