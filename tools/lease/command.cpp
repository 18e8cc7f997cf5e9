// `portguard lease`.
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "core/number.h"
#include "kernel/sysctls.h"
#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/duration.h"
#include "tools/common/guarded_program.h"
#include "tools/common/netns.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"
#include "tools/common/writable_log.h"
#include "tools/hold/hold_sockets.h"
#include "tools/hold/keeper.h"
#include "tools/lease/named_ports.h"

namespace portguard::tools {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view count_name = "count";
constexpr std::string_view env_name = "env";
constexpr std::string_view for_name = "for";

constexpr std::array parameters{
    Parameter{count_name, "N", "1", "print N ports, one per line"},
    Parameter{env_name, "VARIABLE=NAME[,...]", "", "put the port of each NAME into a variable of PROGRAM"},
    Parameter{for_name, duration_values, "60s; with PROGRAM until it ends", "keep the ports for so long"},
    anyway_parameter,
    netns_parameter,
};

constexpr std::array combinations{
    Combination{count_name, Combination::Kind::excluded, env_name},
    Combination{env_name, Combination::Kind::needed, program_word},
    Combination{program_word, Combination::Kind::needed, env_name},
    Combination{anyway_parameter.name, Combination::Kind::needed, program_word},
};

/// What the kernel keeps by itself (TCP_TIMEWAIT_LEN).
constexpr milliseconds time_wait{60'000};

PortSet ports_of(const Config& config) {
    if (config.has_listen) {
        return config.listen;
    }
    PortSet ports;
    const PortRange range =
        config.ephemeral.empty() ? read_host_settings(Syscalls{}).ports.range : config.ephemeral;
    if (range.empty()) {
        throw Refusal(ExitCode::usage,
                      "net.ipv4.ip_local_port_range cannot be read; use --listen=5000-14999");
    }
    ports.insert(range);
    return ports;
}

unsigned count_of(const Arguments& arguments) {
    const std::string* const value = arguments.value(count_name);
    if (value == nullptr) {
        return 1;
    }
    const std::optional<std::uint16_t> count = parse_number<std::uint16_t>(*value);
    if (!count.has_value() || *count == 0) {
        throw Refusal(ExitCode::usage, "--count=" + shown(*value) + ": expected a number from 1 to 65535");
    }
    return *count;
}

/// Until the time is over, or `ended` becomes readable.
void wait_for_end(std::optional<milliseconds> time, int ended) {
    pollfd entry{ended, POLLIN, 0};
    const auto end = std::chrono::steady_clock::now() + time.value_or(milliseconds(0));
    while (true) {
        const auto left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
        if (time.has_value() && left.count() <= 0) {
            return;
        }
        constexpr milliseconds longest{3'600'000};
        const milliseconds most = time.has_value() && left < longest ? left : longest;
        if (::poll(&entry, 1, static_cast<int>(most.count())) > 0) {
            return;
        }
    }
}

/// What the sockets hold, they hold until `time` is over, in a process that is by itself when this returns:
/// whoever ends the group of this one (timeout(1), a test) would take it along before.
void keep_in_background(milliseconds time) {
    std::array<int, 2> started{};
    if (::pipe2(started.data(), O_CLOEXEC) != 0) {
        throw Refusal(ExitCode::failure, std::string("no pipe can be made: ") + std::strerror(errno));
    }
    start_keeper([&](int) {
        // Whoever reads what this command prints waits for its end, not for the keeper's.
        ::dup2(STDOUT_FILENO, STDERR_FILENO);
        ::close(started[1]);
        std::this_thread::sleep_for(time);
    });
    ::close(started[1]);
    char none = 0;
    static_cast<void>(!::read(started[0], &none, 1));
}

int print_ports(const Arguments& arguments, NamedPorts& ports) {
    const auto time = duration_of(arguments, for_name);
    const unsigned count = count_of(arguments);
    make_room_for(count);
    std::vector<LeasedPort> leased;
    std::string text;
    for (unsigned index = 0; index < count; ++index) {
        leased.push_back(ports.take(arguments.operands.front(), index));
        text += std::to_string(leased.back().port) + "\n";
    }
    if (time.has_value() && *time > time_wait) {
        keep_in_background(*time);
    } else {
        for (const LeasedPort& port : leased) {
            ::close(port.socket);
            if (!is_kept(port.port)) {
                throw Refusal(ExitCode::failure, "port " + std::to_string(port.port) +
                                                     " is not kept: the loopback interface is down; "
                                                     "use `ip link set lo up`");
            }
        }
    }
    print(text);
    return 0;
}

int run_with_ports(const Arguments& arguments, const ResolvedConfig& resolved, NamedPorts& ports) {
    require_writable_logs(resolved.draft());
    GuardedProgram program = prepare_program(resolved, arguments.program);
    if (!arguments.has(anyway_parameter.name)) {
        require_reachable(program);
    }
    const std::vector<NamedVariable> variables = parse_variables(*arguments.value(env_name));
    const auto time = duration_of(arguments, for_name);
    const rlimit descriptors = make_room_for(static_cast<std::uint32_t>(variables.size()));
    for (const NamedVariable& entry : variables) {
        program.variables[entry.variable] = std::to_string(ports.take(entry.name, 0).port);
    }
    start_keeper([&](int program_ended) { wait_for_end(time, program_ended); });
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
    become_program(program);
}

int lease(const Arguments& arguments) {
    const bool runs = !arguments.program.empty();
    if (runs == !arguments.operands.empty()) {
        throw Refusal(ExitCode::usage, runs ? "NAME means nothing beside PROGRAM; use --env=VARIABLE=NAME"
                                            : "no NAME is given; use `portguard lease web`");
    }
    const ResolvedConfig resolved(arguments, environ);
    enter_netns(arguments);
    NamedPorts ports(ports_of(resolved.draft().config));
    return runs ? run_with_ports(arguments, resolved, ports) : print_ports(arguments, ports);
}

} // namespace

const Command lease_command{
    .name = "lease",
    .summary = "prints a free TCP port for a name, and keeps it for the program that is to listen on it",
    .description = R"(
Takes a port of --listen, or else of --ephemeral or the kernel's range: the same NAME has the same port on the
same plan while it is free, and the next free one otherwise. For 60 seconds the kernel then gives it to no
connection, no bind to port 0 and no other lease. A program with SO_REUSEADDR, or under `portguard run`, binds
it by number; one without gets EADDRINUSE. No process is left behind, but with --for above 60 s.

With PROGRAM, becomes PROGRAM with the guard in it, and its ports in variables: same pid, signals and exit
status. The ports are kept until it ends. Two trees that want the same NAME at once get two ports.

For programs that pick a port by themselves (bind to port 0, read it, close) see --lease of `portguard run`.
)",
    .exit_status = R"(
0    the ports are printed
1    no port is free
2    the command line or the configuration is wrong
else with PROGRAM, as of `portguard run`
)",
    .examples = R"(
portguard lease web
portguard lease web --listen=5000-14999 --count=3
portguard lease --env WEB=web,API=api -- ./run-tests
)",
    .operand = {"NAME", 0, 1},
    .takes_program = true,
    .guard = GuardOptions::all,
    .own = parameters,
    .combinations = combinations,
    .run = lease,
};

} // namespace portguard::tools
