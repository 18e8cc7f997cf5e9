// `portguard who`.
#include <array>
#include <cerrno>
#include <chrono>

#include <poll.h>
#include <unistd.h>

#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/bind_verdict.h"
#include "tools/common/duration.h"
#include "tools/common/json_output.h"
#include "tools/common/netns.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"
#include "tools/who/who_answer.h"
#include "tools/who/who_unix.h"

namespace portguard::tools {
namespace {

constexpr std::string_view wait_name = "wait";

constexpr std::array parameters{
    Parameter{"udp", "", "", "the UDP port instead of the TCP port"},
    Parameter{.name = wait_name,
              .values = duration_values,
              .fallback = "answer at once",
              .help = "wait until a bind would succeed, at most for so long",
              .letter = 'w'},
    Parameter{"with_reuseaddr", "", "",
              "judge, and wait for, a bind with SO_REUSEADDR instead of a plain one (TCP)"},
    json_parameter,
    netns_parameter,
};

using enum Combination::Kind;
constexpr std::array combinations{
    Combination{"udp", excluded, "with_reuseaddr"},
};

/// Until a bind would go through, or fail for another reason than being in use.
void wait_until_bindable(const AskedPort& asked, Protocol protocol, bool reuseaddr,
                         std::chrono::milliseconds most) {
    constexpr int pause_ms = 20;
    const auto end = std::chrono::steady_clock::now() + most;
    HolderOptions options;
    options.owners = reuseaddr;
    options.settles = std::chrono::milliseconds(pause_ms / 2);
    while (true) {
        const HolderReport report = find_holders(asked.address, protocol, options);
        const BindVerdict bind = judge_bind(asked.address, protocol, report);
        if (!WhoAnswer::is_in_use(reuseaddr ? bind.reuseaddr : bind.plain) ||
            std::chrono::steady_clock::now() >= end) {
            return;
        }
        ::poll(nullptr, 0, pause_ms);
    }
}

int who_has_name(const Arguments& arguments, const std::string& word) {
    for (const std::string_view name :
         {std::string_view("udp"), wait_name, std::string_view("with_reuseaddr")}) {
        if (arguments.has(name)) {
            throw Refusal(ExitCode::usage, "'" + shown(word) + "' names a unix socket, and " + spelled(name) +
                                               " is about ports");
        }
    }
    enter_netns(arguments);
    const UnixAnswer answer = ask_who_has_name(word);
    print(arguments.has(json_parameter.name) ? unix_json(answer)
                                             : unix_text(answer, wants_colour(STDOUT_FILENO)));
    return static_cast<int>(answer.is_held() ? ExitCode::findings : ExitCode::success);
}

int who(const Arguments& arguments) {
    const ResolvedConfig resolved(arguments, environ, Mistakes::reported);
    if (is_unix_name(arguments.operands.front())) {
        return who_has_name(arguments, arguments.operands.front());
    }
    const AskedPort asked = parse_asked_port(arguments.operands.front());
    const auto time = duration_of(arguments, wait_name);
    const Protocol protocol = arguments.has("udp") ? Protocol::udp : Protocol::tcp;
    const bool reuseaddr = arguments.has("with_reuseaddr") && protocol == Protocol::tcp;
    enter_netns(arguments);
    if (time.has_value()) {
        wait_until_bindable(asked, protocol, reuseaddr, *time);
    }
    const WhoAnswer answer = ask_who(asked, protocol, resolved.draft().config, netns_prefix(arguments));
    if (answer.plain_error == EADDRNOTAVAIL) {
        throw Refusal(ExitCode::usage, describe(asked) + ": no interface of this network namespace has that "
                                                         "address; `ip address` lists those that are there");
    }
    const bool coloured = wants_colour(STDOUT_FILENO);
    print(arguments.has(json_parameter.name) ? who_json(answer) : who_text(answer, coloured));
    const bool held = reuseaddr ? WhoAnswer::is_in_use(answer.reuseaddr_error) : answer.is_held();
    return static_cast<int>(held ? ExitCode::findings : ExitCode::success);
}

} // namespace

const Command who_command{
    .name = "who",
    .summary = "shows who holds a port, why, and what a bind would meet",
    .description = R"(
Shows every socket that is in the way of a bind to the port, its process, the cause and the cure, as a report
of the guard does. Without an address, all of both families count. PATH is a unix socket: a word with a slash,
or with @ in front for an abstract name.

The verdict follows the kernel's rule for the sockets that are there, so that no server that starts meanwhile
is kept off.

Any user may ask. Processes of other users, and the SO_REUSEADDR of their sockets, are shown to root only; what
was left out is said.

Of a unix socket is shown who has bound it, or that the file was left behind and can be removed.
)",
    .exit_status = R"(
0 free
1 held
2 the command line is wrong
)",
    .examples = R"(
portguard who 10000
portguard who --wait=60s --with-reuseaddr 127.0.0.1:8080 && ./server
portguard who --udp --json 53
portguard who /run/server.sock
)",
    .operand = {"[ADDRESS:]PORT|PATH", 1, 1},
    .guard = GuardOptions::plan,
    .own = parameters,
    .combinations = combinations,
    .run = who,
};

} // namespace portguard::tools
