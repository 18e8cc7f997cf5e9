// `portguard rescue`.
#include <array>
#include <cerrno>
#include <map>
#include <tuple>

#include "explain/holder_summary.h"
#include "tools/cli/command.h"
#include "tools/common/asked_port.h"
#include "tools/common/bind_verdict.h"
#include "tools/common/netns.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"
#include "tools/rescue/rescue_json.h"
#include "tools/rescue/rescue_sockets.h"

namespace portguard::tools {
namespace {

constexpr std::array parameters{
    Parameter{"dry_run", "", "", "say what would be done, and do nothing"},
    Parameter{"time_wait", "", "", "remove sockets in TIME_WAIT; needs CAP_NET_ADMIN"},
    Parameter{
        "orphans", "", "",
        "end connections that their program has closed and that are not over (FIN_WAIT, LAST_ACK, CLOSING): "
        "data that their peer has not read is lost, and it is reset; needs CAP_NET_ADMIN"},
    Parameter{"listener", "", "",
              "set the flag on sockets that listen or are only bound too: they keep the port, but what they "
              "accept no longer blocks their own restart"},
    json_parameter,
    netns_parameter,
};

// The command waits for nobody: a host with many processes takes its time.
constexpr std::chrono::seconds look_up_budget{10};

HolderReport look_up(const AskedPort& asked, bool flags) {
    HolderOptions options;
    options.budget = look_up_budget;
    options.flags = flags;
    return find_holders(asked.address, Protocol::tcp, options);
}

std::string outcome_words(const RescuedSocket& entry) {
    switch (entry.outcome) {
    case RescueOutcome::flagged: return "SO_REUSEADDR is set now";
    case RescueOutcome::would_flag: return "SO_REUSEADDR would be set";
    case RescueOutcome::shares_already: return "has SO_REUSEADDR";
    case RescueOutcome::removed: return "removed";
    case RescueOutcome::would_remove: return "would be removed, with CAP_NET_ADMIN";
    case RescueOutcome::left_alone: return "left alone: " + entry.reason;
    case RescueOutcome::failed: break;
    }
    return "not done: " + entry.reason;
}

/// Sockets of one owner, in one state and with one outcome share a line: a busy port has thousands.
std::string describe_sockets(const HolderReport& report, const std::vector<RescuedSocket>& rescued) {
    struct Line {
        std::string first_address;
        std::size_t count = 0;
    };
    std::map<std::tuple<std::string, std::string_view, std::string>, Line> lines;
    for (const RescuedSocket& entry : rescued) {
        const Holder& holder = report.holders[entry.holder];
        Line& line =
            lines[{describe_owner(report, holder), state_name(holder.socket.state), outcome_words(entry)}];
        if (line.count++ == 0) {
            line.first_address = describe_addresses(holder.socket);
        }
    }
    std::string text;
    for (const auto& [key, line] : lines) {
        const auto& [owner, state, outcome] = key;
        text.append(owner).append(" ").append(line.first_address).append(" ").append(state);
        text.append(line.count > 1 ? " and " + std::to_string(line.count - 1) + " more like it" : "");
        text.append(":\n    ").append(outcome).append("\n");
    }
    return text;
}

std::string describe_verdict(const AskedPort& asked, const RescueResult& result) {
    const std::string name = describe(asked) + ": a listener with SO_REUSEADDR ";
    if (!result.bindable.has_value()) {
        return describe(asked) + ": whether a listener with SO_REUSEADDR can bind is unknown\n";
    }
    if (result.dry_run) {
        return name + (*result.bindable ? "could bind then\n" : "still could not bind then\n");
    }
    return name + (*result.bindable
                       ? "can bind now\n"
                       : "still cannot bind: " + probe_words(result.bind_error.value_or(0)) + "\n");
}

std::string describe_result(const AskedPort& asked, const RescueResult& result) {
    if (result.report.holders.empty() && result.report.sockets_complete) {
        return describe(asked) + ": no TCP socket holds it; nothing was done\n";
    }
    std::string text = describe_sockets(result.report, result.rescued);
    for (const std::string& what : result.report.missing) {
        text.append("not seen: ").append(what).append("\n");
    }
    return text + describe_verdict(asked, result);
}

/// Whether a listener is let in: by asking the kernel, after a dry run by what would have been done.
void judge(const AskedPort& asked, RescueResult& result) {
    const HolderReport now = look_up(asked, true);
    note_what_stayed(result.report, now, result.rescued);
    const BindVerdict bind = judge_bind(asked.address, Protocol::tcp, now);
    result.bind_error = bind.reuseaddr;
    if (result.bind_error == EADDRNOTAVAIL) {
        throw Refusal(ExitCode::usage, describe(asked) + ": no interface of this network namespace has that "
                                                         "address; `ip address` lists those that are there");
    }
    if (result.dry_run) {
        result.bindable = leaves_port_bindable(result.report, result.rescued);
        return;
    }
    const int error = result.bind_error.value_or(ENOTRECOVERABLE);
    if (error == 0 || error == EADDRINUSE) {
        result.bindable = error == 0;
    }
}

int run_rescue(const Arguments& arguments) {
    const AskedPort asked = parse_asked_port(arguments.operands.front());
    const RescueOptions options{arguments.has("dry_run"), arguments.has("listener"),
                                arguments.has("time_wait"), arguments.has("orphans")};
    enter_netns(arguments);
    RescueResult result;
    result.dry_run = options.dry_run;
    result.report = look_up(asked, false);
    result.rescued = rescue_sockets(result.report, options);
    judge(asked, result);
    print(arguments.has(json_parameter.name) ? rescue_json(asked, result) : describe_result(asked, result));
    return result.bindable == false ? 1 : 0;
}

} // namespace

const Command rescue_command{
    .name = "rescue",
    .summary = "frees a TCP port for a SO_REUSEADDR listener; stops no process",
    .description = R"(
Sets SO_REUSEADDR on the sockets that hold the port, in whichever process they are; their connections go on. A
listener that sets SO_REUSEADDR itself, or runs under `portguard run`, can then bind.

Needs Linux 5.6 and the right to trace the process: the same user, or root. Sockets that cannot be reached are
named with the reason. TCP only: two UDP sockets on a port would take each other's datagrams.
)",
    .exit_status = R"(
0 a listener with SO_REUSEADDR can bind (with --dry-run: could)
1 it still cannot
2 the command line is wrong
)",
    .examples = R"(
portguard rescue 10000
sudo portguard rescue --time-wait --orphans 10000
portguard rescue --dry-run --json 127.0.0.1:10000
)",
    .operand = {asked_port_name, 1, 1},
    .own = parameters,
    .run = run_rescue,
};

} // namespace portguard::tools
