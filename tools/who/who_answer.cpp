#include "tools/who/who_answer.h"

#include <algorithm>
#include <cerrno>

#include <unistd.h>

#include "explain/free_port.h"
#include "tools/common/bind_verdict.h"

namespace portguard::tools {
namespace {

// The command waits for nobody: a host with many processes takes its time.
constexpr std::chrono::seconds look_up_budget{10};

HolderOptions look_up_options(const WhoWish& wish) {
    HolderOptions options;
    options.accepted_flags = wish.accepted_flags;
    options.budget = look_up_budget;
    options.settles = std::chrono::milliseconds(10);
    options.neighbours = 8;
    return options;
}

void judge_holders(const AskedPort& asked, Facts& facts) {
    if (!asked.names_address) {
        // Who asks for no address asks for that of whoever is there.
        facts.event.asked = facts.holders.holders.front().socket.local;
        facts.socket.address.endpoint = facts.event.asked;
    }
    gather_holder_facts(facts, Deadline(look_up_budget));
}

/// Of the processes in the way those that have not inherited from another: a worker listens on what its
/// master does.
std::vector<pid_t> first_of_families(const Facts& facts) {
    const std::vector<pid_t> all = facts.pids_in_the_way();
    std::vector<pid_t> first;
    for (const ProcessInfo& process : facts.holders.processes) {
        const auto is_in_the_way = [&all](pid_t pid) {
            return std::find(all.begin(), all.end(), pid) != all.end();
        };
        const bool has_elder =
            std::any_of(process.ancestors.begin(), process.ancestors.end(),
                        [&](const Ancestor& ancestor) { return is_in_the_way(ancestor.pid); });
        if (is_in_the_way(process.pid) && !has_elder) {
            first.push_back(process.pid);
        }
    }
    return first;
}

} // namespace

bool WhoAnswer::is_in_use(std::optional<int> error) {
    return !error.has_value() || *error == EADDRINUSE;
}

WhoAnswer ask_who(const WhoWish& wish, const Config& config) {
    const AskedPort& asked = wish.asked;
    const Protocol protocol = wish.protocol;
    WhoAnswer answer;
    answer.asked = asked;
    Facts& facts = answer.facts;
    facts.config = &config;
    facts.event.kind = EventKind::in_use;
    facts.event.call = Call::bind;
    facts.event.protocol = protocol;
    facts.event.error = EADDRINUSE;
    facts.event.asked = asked.address.endpoint;
    facts.socket.protocol = protocol;
    facts.socket.address = asked.address;
    facts.rights = read_rights();
    facts.rights.inside = wish.inside;
    // Whose ancestors no advice may end.
    facts.self = read_process(::getpid(), Syscalls{}).value_or(ProcessInfo{});
    facts.manager = read_manager(::getpid());
    facts.holders_asked = true;
    facts.holders = find_holders(asked.address, protocol, look_up_options(wish));
    facts.host = read_host_settings(Syscalls{});
    if (!facts.holders.holders.empty()) {
        judge_holders(asked, facts);
    }
    const BindVerdict bind = judge_bind(asked.address, protocol, facts.holders);
    answer.plain_error = bind.plain;
    answer.reuseaddr_error = bind.reuseaddr;
    if (facts.holders.holders.empty()) {
        facts.probe = bind.plain;
    }
    if (answer.is_held()) {
        ask_free_port(facts, explain(facts), Deadline(look_up_budget));
        answer.also_listens = what_also_listens(first_of_families(facts), asked.address.endpoint.port);
    }
    return answer;
}

} // namespace portguard::tools
