#include "tools/who/who_answer.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <unistd.h>

#include "explain/free_port.h"
#include "explain/holder_summary.h"
#include "explain/render_text.h"
#include "explain/sentence.h"
#include "explain/text_block.h"
#include "tools/common/bind_verdict.h"
#include "tools/common/output.h"

namespace portguard::tools {
namespace {

// The command waits for nobody: a host with many processes takes its time.
constexpr std::chrono::seconds look_up_budget{10};
constexpr std::size_t most_holders = 6;

HolderOptions look_up_options() {
    HolderOptions options;
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

std::string verdict(const WhoAnswer& answer) {
    std::string plain = "a plain bind: " + probe_words(answer.plain_error);
    if (answer.is_udp()) {
        return plain;
    }
    const auto& error = answer.reuseaddr_error;
    return plain + ", with SO_REUSEADDR: " + (error.has_value() ? probe_words(*error) : "not known");
}

std::string first_line(const WhoAnswer& answer) {
    const std::string protocol = answer.is_udp() ? "UDP " : "TCP ";
    return protocol + describe(answer.asked) + (answer.is_held() ? " is held" : " is free");
}

void add_holder(const HolderReport& report, const Holder& holder, TextBlock& block) {
    const std::string hold = holder.socket.is_hold() ? ", portguard hold" : "";
    block.add_cut("holder", describe_holder(report, holder) + hold);
    if (!holder.owners.empty()) {
        block.add_cut("holder", "  " + describe_first_owner(report, holder));
    }
}

} // namespace

bool WhoAnswer::is_in_use(std::optional<int> error) {
    return !error.has_value() || *error == EADDRINUSE;
}

WhoAnswer ask_who(const AskedPort& asked, Protocol protocol, const Config& config, std::string inside) {
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
    facts.rights.inside = std::move(inside);
    // Whose ancestors no advice may end.
    facts.self = read_process(::getpid(), Syscalls{}).value_or(ProcessInfo{});
    facts.manager = read_manager(::getpid());
    facts.holders_asked = true;
    facts.holders = find_holders(asked.address, protocol, look_up_options());
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
    }
    return answer;
}

std::string who_text(const WhoAnswer& answer, bool coloured) {
    const HolderReport& report = answer.facts.holders;
    TextBlock block(first_line(answer), coloured);
    block.add("verdict", verdict(answer));
    if (answer.is_held()) {
        const Explanation explanation = explain(answer.facts);
        block.add("cause", explanation.sentence);
        const std::size_t count = std::min(report.holders.size(), most_holders);
        for (std::size_t index = 0; index < count; ++index) {
            add_holder(report, report.holders[index], block);
        }
        if (report.holders.size() > count) {
            block.add("holder", "and " + std::to_string(report.holders.size() - count) + " more");
        }
        add_cure_lines(cures_for(answer.facts, explanation), block);
    }
    for (const std::string& what : report.missing) {
        block.add("missing", what);
    }
    return block.text() + "\n";
}

} // namespace portguard::tools
