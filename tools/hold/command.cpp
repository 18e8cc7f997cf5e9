// `portguard hold`.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

#include <poll.h>
#include <unistd.h>

#include "core/options.h"
#include "explain/probe.h"
#include "kernel/sysctls.h"
#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/asked_port.h"
#include "tools/common/duration.h"
#include "tools/common/guarded_program.h"
#include "tools/common/json_output.h"
#include "tools/common/netns.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/common/refusal.h"
#include "tools/common/writable_log.h"
#include "tools/hold/hold_report.h"
#include "tools/hold/hold_sockets.h"
#include "tools/hold/hold_state.h"
#include "tools/hold/keeper.h"

namespace portguard::tools {
namespace {

constexpr std::string_view for_name = "for";
constexpr std::string_view held_state_name = "state";
constexpr std::string_view flagged_name = "flagged";
constexpr std::string_view shared_name = "shared";

constexpr std::array parameters{
    Parameter{for_name, duration_values, "until it is ended", "hold for so long"},
    Parameter{.name = held_state_name,
              .values = "STATE",
              .fallback = "",
              .help = "bring one PORT into STATE until stdin closes",
              .choices = held_state_words},
    Parameter{flagged_name, "", "", "with --state: the socket has SO_REUSEADDR"},
    Parameter{shared_name, "", "", "with --state: the socket has SO_REUSEPORT"},
    anyway_parameter,
    json_parameter,
    netns_parameter,
};

constexpr std::array combinations{
    Combination{flagged_name, needed, held_state_name},
    Combination{shared_name, needed, held_state_name},
    Combination{anyway_parameter.name, needed, program_word},
};

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// How soon after a listener has gone its port is held.
constexpr milliseconds retry_interval{100};

/// When a hold is over: after a time, or once a descriptor becomes readable.
class End {
public:
    End(std::optional<milliseconds> after, int fd) : fd_(fd) {
        if (after.has_value()) {
            end_ = Clock::now() + *after;
        }
    }

    /// Waits for the end, but no longer than `most`; true: it is over.
    [[nodiscard]] bool wait(std::optional<milliseconds> most) {
        const auto until = most.has_value() ? std::min(end_, Clock::now() + *most) : end_;
        while (true) {
            const auto left =
                until == never ? milliseconds(-1) : std::chrono::ceil<milliseconds>(until - Clock::now());
            if (until != never && left.count() <= 0) {
                return Clock::now() >= end_;
            }
            pollfd entry{fd_, POLLIN, 0};
            constexpr milliseconds::rep longest = 3'600'000;
            if (::poll(&entry, 1, static_cast<int>(std::min(left.count(), longest))) > 0 && is_closed()) {
                return true;
            }
        }
    }

private:
    /// A pidfd that can be read says that its process has ended; of standard input only the end counts.
    [[nodiscard]] bool is_closed() const {
        std::array<char, 512> ignored;
        return fd_ != STDIN_FILENO || ::read(fd_, ignored.data(), ignored.size()) <= 0;
    }

    static constexpr Clock::time_point never = Clock::time_point::max();

    Clock::time_point end_ = never;
    int fd_;
};

void tell(const std::string& sentence) {
    std::fprintf(stderr, "portguard: %s\n", sentence.c_str());
}

void tell_unheld(const std::vector<UnheldPort>& unheld) {
    for (const UnheldPort& port : unheld) {
        tell("port " + std::to_string(port.port) + " cannot be held: " + port.reason);
    }
}

bool is_worth_a_retry(const HoldSockets& sockets) {
    return std::any_of(sockets.unheld().begin(), sockets.unheld().end(),
                       [](const Unheld& entry) { return entry.error == EADDRINUSE; });
}

/// Until `end`, with another try at what was in use. `on_held` is told of each port that is held since.
template <typename OnHeld>
void keep(HoldSockets& sockets, const PortSet& ports, End& end, OnHeld on_held) {
    while (!end.wait(is_worth_a_retry(sockets) ? std::optional(retry_interval) : std::nullopt)) {
        const std::vector<Unheld> before = sockets.unheld();
        sockets.hold(ports);
        for (const Unheld& entry : before) {
            if (sockets.held().contains(entry.port)) {
                tell("port " + std::to_string(entry.port) + " is held now");
                on_held();
            }
        }
    }
}

PortSet ports_of(const Arguments& arguments, const Config& config) {
    PortSet ports = config.listen;
    if (!arguments.operands.empty()) {
        Sentence why;
        if (!parse_port_set(arguments.operands.front(), ports, why)) {
            throw Refusal(ExitCode::usage,
                          std::string(why.view()) + "; expected ports and ranges, as in 80,443,5000-14999");
        }
    } else if (ports.empty()) {
        throw Refusal(ExitCode::usage, "no PORTS are given and no listen is configured; "
                                       "use `portguard hold 10000` or --listen=5000-14999");
    }
    return ports;
}

int hold_beside(const GuardedProgram& program, HoldSockets& sockets, const PortSet& ports,
                std::optional<milliseconds> time, const rlimit& descriptors) {
    start_keeper([&](int program_ended) {
        End end(time, program_ended);
        keep(sockets, ports, end, [] {});
    });
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
    become_program(program);
}

int hold_until_end(HoldSockets& sockets, const PortSet& ports, std::optional<milliseconds> time,
                   const std::vector<UnheldPort>& unheld, bool json) {
    const bool any_listened_on =
        std::any_of(unheld.begin(), unheld.end(), [](const UnheldPort& port) { return port.listened_on; });
    if (sockets.held_count() == 0 && !any_listened_on) {
        return static_cast<int>(ExitCode::findings);
    }
    tell(hold_limits(are_bound_sockets_shown()));
    bool is_ready = false;
    const auto tell_ready = [&] {
        if (!is_ready && sockets.held_count() != 0) {
            is_ready = true;
            print(ready_line(sockets.held(), explain_unheld(sockets.unheld()), json));
        }
    };
    tell_ready();
    End end(time, -1);
    keep(sockets, ports, end, tell_ready);
    return static_cast<int>(sockets.unheld().empty() ? ExitCode::success : ExitCode::findings);
}

int hold_ports(const Arguments& arguments, const ResolvedConfig& resolved) {
    const Config& config = resolved.draft().config;
    const PortSet ports = ports_of(arguments, config);
    const auto time = duration_of(arguments, for_name);
    std::optional<GuardedProgram> program;
    if (!arguments.program.empty()) {
        require_writable_logs(resolved.draft());
        program = prepare_program(resolved, arguments.program);
        if (!arguments.has(anyway_parameter.name)) {
            require_reachable(*program);
        }
    }
    enter_netns(arguments);
    const rlimit descriptors = make_room_for(ports.count({1, 65535}));
    HoldSockets sockets;
    sockets.hold(ports);
    const std::vector<UnheldPort> unheld = explain_unheld(sockets.unheld());
    tell_unheld(unheld);
    const PortRange ephemeral =
        config.ephemeral.empty() ? read_host_settings(Syscalls{}).ports.range : config.ephemeral;
    if (const std::string warning = warn_about_range(sockets.held(), ephemeral); !warning.empty()) {
        tell(warning);
    }
    return program.has_value()
               ? hold_beside(*program, sockets, ports, time, descriptors)
               : hold_until_end(sockets, ports, time, unheld, arguments.has(json_parameter.name));
}

int hold_state(const Arguments& arguments) {
    const std::string& word = *arguments.value(held_state_name);
    if (arguments.operands.empty() || !arguments.program.empty()) {
        throw Refusal(ExitCode::usage, "--state takes one PORT and no PROGRAM, such as "
                                       "`portguard hold 10000 --state=time-wait`");
    }
    const AskedPort asked = parse_asked_port(arguments.operands.front());
    const HeldState state(word, asked, arguments.has(flagged_name), arguments.has(shared_name));
    const auto time = duration_of(arguments, for_name);
    enter_netns(arguments);
    End end(time, time.has_value() ? -1 : STDIN_FILENO);
    bool is_ready = false;
    while (true) {
        const StateSockets sockets(state);
        if (!is_ready) {
            is_ready = true;
            print(arguments.has(json_parameter.name) ? state_ready_json(asked, word) : "ready\n");
        }
        // TIME_WAIT does not last, and is made again.
        if (end.wait(sockets.lifetime())) {
            return 0;
        }
    }
}

/// What the guard does is for PROGRAM; the ports alone are for the hold itself.
void refuse_options_without_program(const Arguments& arguments) {
    const bool is_state = arguments.has(held_state_name);
    for (const auto& [name, value] : arguments.given) {
        const bool is_plan = name == "listen" || name == "ephemeral";
        const bool is_the_guards = find_option(name) != option_table().size() && name != "format";
        if (is_the_guards && (is_state || !is_plan)) {
            throw Refusal(ExitCode::usage, spelled(name) + " means nothing " +
                                               (is_state ? "beside --state" : "without PROGRAM") +
                                               "; `portguard hold --help` lists what there is");
        }
    }
}

int hold(Arguments arguments) {
    if (arguments.program.empty()) {
        refuse_options_without_program(arguments);
    } else if (arguments.has(json_parameter.name) && !arguments.has("format")) {
        // No `ready` is printed then: what is asked for as JSON are PROGRAM's events.
        arguments.given.emplace_back("format", "json");
    }
    const ResolvedConfig resolved(arguments, environ);
    return arguments.has(held_state_name) ? hold_state(arguments) : hold_ports(arguments, resolved);
}

} // namespace

const Command hold_command{
    .name = "hold",
    .summary = "reserves TCP ports for listeners, or brings one into a given state",
    .description = R"(
Binds a socket to each of PORTS, by default those of --listen, and never listens on it. The kernel then gives
none of them to a connection or to a bind to port 0, while a listener with SO_REUSEADDR, or under `portguard
run` on Linux 6.8 and newer, binds and serves as if nothing were there. From port 1024 on it needs no root.

A program that binds such a port without SO_REUSEADDR and without the guard gets EADDRINUSE. Any program with
SO_REUSEADDR may take it: a hold is not a lock. TCP only, since a UDP socket would take datagrams.

Prints `ready` once the ports are held, and on standard error each that is not, with the reason. What is in use
is tried again until it is free.

With PROGRAM, becomes PROGRAM with the guard in it: same pid, signals and exit status, and the hold ends with
it. `ready` is not printed then, since standard output is PROGRAM's.

With --state, connected states are those of a connection from PORT to this process itself. TIME_WAIT lasts 60 s
and is made again at once.
)",
    .exit_status = R"(
0    all was held
1    not all of it
2    the command line or the configuration is wrong
else with PROGRAM, as of `portguard run`
)",
    .examples = R"(
portguard hold 10000 --for=10m
portguard hold 5000-14999 -- nginx -g 'daemon off;'
)",
    .operand = {"PORTS", 0, 1},
    .takes_program = true,
    .guard = GuardOptions::all,
    .own = parameters,
    .combinations = combinations,
    .run = [](const Arguments& arguments) { return hold(arguments); },
};

} // namespace portguard::tools
