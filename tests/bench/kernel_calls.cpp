// kernel_calls COUNT [BENCHMARK FLAG...]: time of each call on real sockets, COUNT times; and of loops on 1,
// 2, 4 and 8 threads. Where only one call of a sequence is asked about, it alone is inside the clock's two
// readings.
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>

#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

constexpr in_port_t bound_port = 8080;
constexpr in_port_t listening_port = 8081;

sockaddr_in loopback(in_port_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int bind_to(int fd, const sockaddr_in& address) {
    return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

int make_tcp() {
    return socket(AF_INET, SOCK_STREAM, 0);
}

void fail(benchmark::State& state, const char* call) {
    state.SkipWithError((std::string(call) + ": " + std::strerror(errno)).c_str());
}

/// False: the call failed, and the state says so.
template <typename Call>
bool time_one(benchmark::State& state, const char* name, Call call) {
    const auto start = std::chrono::steady_clock::now();
    const int result = call();
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(time.count());
    if (result < 0) {
        fail(state, name);
    }
    return result >= 0;
}

void time_socket(benchmark::State& state) {
    for ([[maybe_unused]] auto pass : state) {
        int fd = -1;
        if (!time_one(state, "socket", [&fd] { return fd = make_tcp(); })) {
            break;
        }
        close(fd);
    }
}

void time_close(benchmark::State& state) {
    for ([[maybe_unused]] auto pass : state) {
        const int fd = make_tcp();
        if (!time_one(state, "close", [fd] { return close(fd); })) {
            break;
        }
    }
}

void time_bind(benchmark::State& state) {
    const sockaddr_in address = loopback(bound_port);
    for ([[maybe_unused]] auto pass : state) {
        const int fd = make_tcp();
        const bool good = time_one(state, "bind", [&] { return bind_to(fd, address); });
        close(fd);
        if (!good) {
            break;
        }
    }
}

template <int option>
void time_setsockopt(benchmark::State& state) {
    const int fd = make_tcp();
    const int on = 1;
    for ([[maybe_unused]] auto pass : state) {
        if (!time_one(state, "setsockopt",
                      [&] { return setsockopt(fd, SOL_SOCKET, option, &on, sizeof on); })) {
            break;
        }
    }
    close(fd);
}

/// The server's end goes first and with a reset: no TIME_WAIT holds a port when the next connection asks for
/// one.
void drop(int server, int client) {
    const int accepted = accept(server, nullptr, nullptr);
    const linger reset{1, 0};
    setsockopt(accepted, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(accepted);
    close(client);
}

void time_connect(benchmark::State& state) {
    const sockaddr_in address = loopback(listening_port);
    const int server = make_tcp();
    if (bind_to(server, address) != 0 || listen(server, 8) != 0) {
        fail(state, "listen");
    }
    for ([[maybe_unused]] auto pass : state) {
        const int fd = make_tcp();
        if (!time_one(state, "connect", [&] {
                return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
            })) {
            close(fd);
            break;
        }
        drop(server, fd);
    }
    close(server);
}

/// What it would take before each bind to say EFAULT of a wild pointer, as the kernel does.
void time_trial_of_pointer(benchmark::State& state) {
    const sockaddr_in address = loopback(bound_port);
    sockaddr_in copy{};
    const iovec here{&copy, sizeof copy};
    const iovec there{const_cast<sockaddr_in*>(&address), sizeof address};
    const pid_t self = getpid();
    for ([[maybe_unused]] auto pass : state) {
        if (!time_one(state, "process_vm_readv",
                      [&] { return static_cast<int>(process_vm_readv(self, &here, 1, &there, 1, 0)); })) {
            break;
        }
    }
}

void loop_socket_close(benchmark::State& state) {
    for ([[maybe_unused]] auto pass : state) {
        close(make_tcp());
    }
    state.SetItemsProcessed(state.iterations());
}

void loop_setsockopt(benchmark::State& state) {
    const int fd = make_tcp();
    const int on = 1;
    for ([[maybe_unused]] auto pass : state) {
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    state.SetItemsProcessed(state.iterations());
    close(fd);
}

void add_timed(const char* name, void (*function)(benchmark::State&), long count) {
    benchmark::RegisterBenchmark(name, function)->Iterations(count)->UseManualTime();
}

void add_threaded(const char* name, void (*function)(benchmark::State&), long count) {
    benchmark::RegisterBenchmark(name, function)->Iterations(count)->ThreadRange(1, 8)->UseRealTime();
}

/// What a process pays once (reading sysctls, binding symbols, mapping memory) is another question.
void warm_up() {
    const int server = make_tcp();
    const sockaddr_in address = loopback(listening_port);
    const int client = make_tcp();
    if (bind_to(server, address) == 0 && listen(server, 8) == 0 &&
        connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        drop(server, client);
    }
    close(server);
}

} // namespace

int main(int argc, char** argv) {
    const long count = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 0;
    if (count <= 0) {
        return 2;
    }
    warm_up();
    add_timed("socket", time_socket, count);
    add_timed("close", time_close, count);
    add_timed("setsockopt watched", time_setsockopt<SO_REUSEADDR>, count);
    add_timed("setsockopt not watched", time_setsockopt<SO_KEEPALIVE>, count);
    add_timed("bind", time_bind, count);
    add_timed("connect", time_connect, count);
    // Of none of the tables, which leave out what begins so: shim/limits.md has it.
    add_timed("trial of a pointer", time_trial_of_pointer, count);
    // Each thread runs for many slices of the scheduler's, or all would not be under way at once.
    add_threaded("threads socket and close", loop_socket_close, 25 * count);
    add_threaded("threads setsockopt", loop_setsockopt, 150 * count);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
