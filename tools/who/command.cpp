// `portguard who`.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>

#include <unistd.h>

#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/colour.h"
#include "tools/common/duration.h"
#include "tools/common/json_output.h"
#include "tools/common/netns.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"
#include "tools/who/listing.h"
#include "tools/who/questions.h"
#include "tools/who/waiting.h"
#include "tools/who/who_answer.h"
#include "tools/who/who_unix.h"

namespace portguard::tools {
namespace {

constexpr std::string_view wait_name = "wait";
constexpr std::string_view tcp_name = "tcp";
constexpr std::string_view udp_name = "udp";
constexpr std::string_view reuseaddr_name = "with_reuseaddr";
constexpr std::string_view quiet_name = "quiet";
constexpr std::string_view verbose_name = "verbose";
constexpr std::string_view numeric_name = "numeric";
constexpr std::string_view no_headers_name = "no_headers";

constexpr std::array parameters{
    Parameter{tcp_name, "", "", "only TCP"},
    Parameter{udp_name, "", "", "only UDP; without either both are looked at"},
    Parameter{.name = wait_name,
              .values = duration_values,
              .fallback = "",
              .help = "wait until a bind would succeed (of TCP, but for --udp), at most for so long",
              .letter = 'w'},
    Parameter{reuseaddr_name, "", "", "judge, and wait for, a bind with SO_REUSEADDR (TCP)"},
    Parameter{.name = verbose_name,
              .values = "",
              .fallback = "",
              .help = "every socket of the port, with its process",
              .letter = 'v'},
    Parameter{.name = quiet_name,
              .values = "",
              .fallback = "",
              .help = "print nothing: the exit status is the answer",
              .letter = 'q'},
    Parameter{
        .name = numeric_name, .values = "", .fallback = "", .help = "list users by number", .letter = 'n'},
    Parameter{no_headers_name, "", "", "list without the line of headers"},
    color_parameter,
    json_parameter,
    netns_parameter,
};

constexpr std::array combinations{
    Combination{udp_name, excluded, reuseaddr_name},
    Combination{udp_name, excluded, tcp_name},
    Combination{quiet_name, excluded, json_parameter.name},
    Combination{quiet_name, excluded, verbose_name},
    Combination{verbose_name, excluded, json_parameter.name},
    Combination{numeric_name, excluded, json_parameter.name},
    Combination{no_headers_name, excluded, json_parameter.name},
    Combination{color_parameter.name, excluded, json_parameter.name},
    Combination{color_parameter.name, excluded, quiet_name},
};

void refuse_beside(const Arguments& arguments, std::span<const std::string_view> names,
                   const std::string& reason) {
    for (const std::string_view name : names) {
        if (arguments.has(name)) {
            throw Refusal(ExitCode::usage, spelled(name) + " means nothing here: " + reason +
                                               "; `portguard who --help` lists what there is");
        }
    }
}

std::optional<Protocol> protocol_of(const Arguments& arguments) {
    if (arguments.has(udp_name)) {
        return Protocol::udp;
    }
    // A bind that is waited for is that of a server.
    const bool is_tcp = arguments.has(tcp_name) || arguments.has(reuseaddr_name) || arguments.has(wait_name);
    return is_tcp ? std::optional(Protocol::tcp) : std::nullopt;
}

void show(const Arguments& arguments, const std::string& text) {
    if (!arguments.has(quiet_name)) {
        print(text);
    }
}

int exit_status(bool is_held) {
    return static_cast<int>(is_held ? ExitCode::findings : ExitCode::success);
}

TextShape shape_for(const Arguments& arguments) {
    return {wants_colour(arguments, STDOUT_FILENO), width_of_terminal(STDOUT_FILENO),
            arguments.has(verbose_name)};
}

int who_has_name(const Arguments& arguments, const std::string& word) {
    constexpr std::array names{tcp_name, udp_name, wait_name, reuseaddr_name, numeric_name, no_headers_name};
    refuse_beside(arguments, names, "'" + shown(word) + "' names a unix socket, which has no port");
    enter_netns(arguments);
    const UnixAnswer answer = ask_who_has_name(word);
    show(arguments,
         arguments.has(json_parameter.name) ? unix_json(answer) : unix_text(answer, shape_for(arguments)));
    return exit_status(answer.is_held());
}

WhoAnswer answer_to(const Arguments& arguments, const Question& question, const Config& config) {
    // Which are not shown otherwise.
    const bool accepted_flags = arguments.has(verbose_name) || arguments.has(json_parameter.name);
    WhoAnswer answer =
        ask_who({question.asked, question.protocol, netns_prefix(arguments), accepted_flags}, config);
    if (answer.plain_error == EADDRNOTAVAIL) {
        throw Refusal(ExitCode::usage, describe(question.asked) +
                                           ": no interface of this network namespace has that address; `ip "
                                           "address` lists those that are there");
    }
    return answer;
}

/// One port: all about it.
int explain_port(const Arguments& arguments, const std::vector<Question>& questions, const Config& config) {
    constexpr std::array names{numeric_name, no_headers_name};
    refuse_beside(arguments, names, "it is about the list of several ports");
    const TextShape shape = shape_for(arguments);
    const bool as_json = arguments.has(json_parameter.name);
    bool any_held = false;
    std::string text;
    for (const Question& question : questions) {
        const WhoAnswer answer = answer_to(arguments, question, config);
        const bool held =
            arguments.has(reuseaddr_name) ? WhoAnswer::is_in_use(answer.reuseaddr_error) : answer.is_held();
        any_held = any_held || held;
        if (as_json) {
            text += question.is_implied && !held ? "" : who_json(answer);
        } else {
            text += question.is_implied && !held ? free_line(answer, shape) : who_text(answer, shape);
        }
    }
    show(arguments, text);
    return exit_status(any_held);
}

/// No port, or several: a line for each listener or holder.
int list_ports(const Arguments& arguments, const std::vector<AskedPorts>& words, const Config& config) {
    constexpr std::array names{reuseaddr_name, verbose_name};
    refuse_beside(arguments, names, "it is about one port");
    const Listing listing = list_sockets(words, protocol_of(arguments), config);
    if (arguments.has(json_parameter.name)) {
        show(arguments, listing_json(listing));
    } else {
        show(arguments, listing_text(listing, {!arguments.has(no_headers_name), arguments.has(numeric_name),
                                               width_of_terminal(STDOUT_FILENO),
                                               wants_colour(arguments, STDOUT_FILENO)}));
    }
    if (!arguments.has(quiet_name)) {
        tell_beside(listing);
    }
    return exit_status(!words.empty() && !listing.sockets.empty());
}

/// Where a word names its protocol, an option cannot name another.
void refuse_contradiction(const Arguments& arguments, const std::string& word, const AskedPorts& asked) {
    constexpr std::array of_tcp{tcp_name, reuseaddr_name};
    constexpr std::array of_udp{udp_name};
    if (asked.protocol == Protocol::udp) {
        refuse_beside(arguments, of_tcp, "'" + shown(word) + "' is of UDP");
    } else if (asked.protocol == Protocol::tcp) {
        refuse_beside(arguments, of_udp, "'" + shown(word) + "' is of TCP");
    }
}

std::vector<Question> questions_of(const Arguments& arguments, const std::vector<AskedPorts>& words) {
    std::vector<Question> questions;
    for (const AskedPorts& word : words) {
        const std::vector<Question> some = questions_of(word, protocol_of(arguments));
        questions.insert(questions.end(), some.begin(), some.end());
    }
    return questions;
}

int who(const Arguments& arguments) {
    const ResolvedConfig resolved(arguments, environ, Mistakes::reported);
    const Config& config = resolved.draft().config;
    if (arguments.operands.size() == 1 && is_unix_name(arguments.operands.front())) {
        return who_has_name(arguments, arguments.operands.front());
    }
    std::vector<AskedPorts> words;
    PortSet ports;
    for (const std::string& word : arguments.operands) {
        words.push_back(parse_asked_ports(word));
        refuse_contradiction(arguments, word, words.back());
        ports.insert(words.back().ports);
    }
    const auto time = duration_of(arguments, wait_name);
    if (time.has_value() && words.empty()) {
        throw Refusal(ExitCode::usage,
                      "--wait needs a port to wait for; use `portguard who --wait=60s 8080`");
    }
    enter_netns(arguments);
    if (time.has_value()) {
        wait_until_bindable(questions_of(arguments, words),
                            {arguments.has(reuseaddr_name), *time, arguments.has(quiet_name)});
    }
    const bool is_one = words.size() == 1 && ports.count({1, 65535}) == 1;
    return is_one ? explain_port(arguments, questions_of(arguments, words), config)
                  : list_ports(arguments, words, config);
}

} // namespace

const Command who_command{
    .name = "who",
    .summary = "shows who holds a port, or every listener, and what a bind would meet",
    .description = R"(
Of one PORT, every socket that is in the way of a bind, its process, the cause and the cure. Of several, or
without PORT of every listener, a line each: process, user, unit or container, place in the plan, flags.

PORT is a number, a list or range (80,8000-8010), a service (http); in front may stand an address or a host of
/etc/hosts ([::1]:80), behind it /tcp or /udp. PATH is a unix socket: a word with a slash, or with @ in front for
an abstract name; of it is shown who has bound it, or that the file was left behind and can be removed.

Without an address, all of both families count; without a protocol, TCP and UDP. As JSON, UDP has an object of
its own where it is held.

The verdict follows the kernel's rule for the sockets that are there, so that no server that starts meanwhile
is kept off.

Connections of one process in one state are one line; -v shows each. What else a process listens on is named
before a command that ends it. PLAN is `listen` for a port of --listen, `ephemeral` for one that outgoing
connections are given, `outside` for one that is neither.

Any user may ask. Processes of other users, and the SO_REUSEADDR of their sockets, are shown to root only; what
was left out is said.
)",
    .exit_status = R"(
0 free, or without PORT: listed
1 held, one of several
2 the command line is wrong
)",
    .examples = R"(
portguard who
portguard who 10000
portguard who 80,443,8000-8010
portguard who --wait=60s --with-reuseaddr 127.0.0.1:8080 && ./server
)",
    .operand = {"[ADDRESS:]PORT[/PROTO]|PATH", 0, 1000},
    .guard = GuardOptions::plan,
    .own = parameters,
    .combinations = combinations,
    .run = who,
};

} // namespace portguard::tools
