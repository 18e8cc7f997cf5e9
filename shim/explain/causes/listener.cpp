// A TCP socket that listens.
#include <algorithm>

#include "core/text.h"
#include "explain/cause_rule.h"
#include "explain/holder_summary.h"
#include "explain/same_program.h"
#include "explain/sentence.h"

namespace portguard::causes {
namespace {

bool is_listener(const Case& c) {
    return c.has_holder() && !c.is_udp() && c.state() == SocketState::listen;
}

bool is_second_listen(const Case& c, EvidenceList& seen) {
    return is_listener(c) &&
           seen.that(c.facts.event.call == Call::listen, "listen said EADDRINUSE, and bind had not",
                     seen_by::call) &&
           seen.that(true, who_listens(c), seen_by::socket_list);
}

std::string second_listen_sentence(const Case& c) {
    return who_has(c) + " listened on " + describe_local(c.holder->socket) +
           " first; SO_REUSEADDR lets two bind the port, but only one listen";
}

bool is_wildcard_and_specific(const Case& c, EvidenceList& seen) {
    return is_listener(c) && c.facts.socket.address.endpoint.address != c.holder->socket.local.address &&
           seen.that(true, who_listens(c), seen_by::socket_list);
}

std::string wildcard_sentence(const Case& c) {
    return who_listens(c) + flag_words(c) +
           "; on Linux a wildcard and a single address exclude each other, and SO_REUSEADDR does not change "
           "that";
}

bool is_own_listener(const Case& c, EvidenceList& seen) {
    return c.has_holder() && !yields_to_reuseaddr(c.state()) && !c.holder->socket.is_hold() &&
           seen.that(c.is_own(), who_has(c) + " has the socket", seen_by::descriptors);
}

std::string own_sentence(const Case& c) {
    return who_has(c) + (c.state() == SocketState::listen ? " listens on " : " has bound ") +
           describe_local(c.holder->socket) + flag_words(c);
}

std::optional<pid_t> ancestor_that_listens(const Case& c) {
    for (const Ancestor& ancestor : c.facts.self.ancestors) {
        for (const Owner& owner : c.holder->owners) {
            if (c.facts.holders.process_of(owner).pid == ancestor.pid && ancestor.pid != 1) {
                return ancestor.pid;
            }
        }
    }
    return std::nullopt;
}

std::string relation_of(const Case& c, pid_t pid) {
    return c.facts.self.ancestors.front().pid == pid ? "the parent of this process"
                                                     : "a process that this one descends from";
}

bool is_ancestor(const Case& c, EvidenceList& seen) {
    // Whoever asks by hand has its shell's server among them (sshd).
    const bool is_program = c.facts.event.pid != 0;
    const auto pid = is_program && is_listener(c) ? ancestor_that_listens(c) : std::nullopt;
    return pid.has_value() && seen.that(true, who_listens(c), seen_by::socket_list) &&
           seen.that(true, "pid " + std::to_string(*pid) + " is " + relation_of(c, *pid), seen_by::process);
}

std::string ancestor_sentence(const Case& c) {
    const std::string who = who_has(c) + ", " + relation_of(c, *ancestor_that_listens(c));
    const std::string variable = c.facts.variable.empty()
                                     ? ""
                                     : "; " + c.facts.variable + ", which this one inherited, names the port";
    return who + ", listens on " + describe_local(c.holder->socket) + variable;
}

void cure_ancestor(const Case& c, CureList& list) {
    if (c.facts.variable.empty()) {
        list.another_port("another port for the child", ", or none: it was started by who listens there");
    } else {
        list.another_port("start the child without " + c.facts.variable + ", or with another port in it");
    }
}

bool is_inherited(const Case& c, EvidenceList& seen) {
    return is_listener(c) && c.holder->owners.size() == 1 &&
           seen.that(c.facts.owner.calls_listen == false,
                     "neither " + harmless(c.facts.owner.exe) + " nor a library of it imports listen(2)",
                     seen_by::process) &&
           seen.that(true, who_has(c) + " alone has the socket", seen_by::descriptors);
}

std::string inherited_sentence(const Case& c) {
    return who_has(c) + " has a socket that listens on " + describe_local(c.holder->socket) +
           " and that it did not open (" + harmless(base_name(c.facts.owner.exe)) +
           " does not call listen): inherited from a process that has ended";
}

void cure_inherited(const Case& /*c*/, CureList& list) {
    list.stop_owner();
    list.lasting("open the listening socket with SOCK_CLOEXEC, so that children do not keep it");
}

bool is_same(const Case& c, EvidenceList& seen) {
    if (!is_listener(c) || c.holder->owners.empty()) {
        return false;
    }
    const ProcessInfo& other = c.facts.holders.process_of(c.holder->owners.front());
    const auto program = same_program({c.facts.exe, c.facts.self.argv}, {c.facts.owner.exe, other.argv});
    return program.has_value() &&
           seen.that(true, "both processes run " + harmless(*program), seen_by::process) &&
           seen.that(true, who_listens(c), seen_by::socket_list);
}

std::string same_sentence(const Case& c) {
    const ProcessInfo& other = c.facts.holders.process_of(c.holder->owners.front());
    const auto program = same_program({c.facts.exe, c.facts.self.argv}, {c.facts.owner.exe, other.argv});
    Text<excerpt_length + 1> name;
    name.add_excerpt(program.value_or(""));
    return "the same program (" + std::string(name.view()) + ") runs already: " + who_listens(c) +
           flag_words(c);
}

void cure_other(const Case& c, CureList& list) {
    list.stop_owner();
    const bool is_first =
        std::any_of(c.holder->owners.begin(), c.holder->owners.end(),
                    [&](const Owner& owner) { return c.facts.holders.process_of(owner).pid == 1; });
    for (const std::string& unit : c.facts.owner.socket_units) {
        list.now_if((c.facts.rights.euid == 0 ? "systemctl stop " : "sudo systemctl stop ") + unit);
    }
    if (is_first && c.facts.owner.socket_units.empty()) {
        list.lasting("stop what made process 1 listen (a socket unit, the container's command); process 1 "
                     "itself ends all others with it");
    }
    list.another_port("one of the two on another port", " or address");
}

std::string listener_sentence(const Case& c) {
    const std::string manager = describe_manager(c.facts.owner.manager);
    return who_has(c) + (manager.empty() ? "" : " (" + manager + ")") + " listens on " +
           describe_local(c.holder->socket) + flag_words(c);
}

} // namespace

const CauseRule second_listen{is_second_listen, second_listen_sentence, cure_other};
const CauseRule wildcard_and_specific{
    is_wildcard_and_specific,
    wildcard_sentence,
    [](const Case& c, CureList& list) {
        if (!c.is_own()) {
            list.stop_owner();
        }
        list.another_port("bind both to single addresses, or one of them to another port");
    },
};
const CauseRule self{
    is_own_listener,
    own_sentence,
    [](const Case& /*c*/, CureList& list) { list.lasting("close the other socket first, or bind once"); },
};
const CauseRule listener_ancestor{is_ancestor, ancestor_sentence, cure_ancestor};
const CauseRule inherited_listener{is_inherited, inherited_sentence, cure_inherited};
const CauseRule listener_same_program{is_same, same_sentence, cure_other};
const CauseRule listener_other_program{
    [](const Case& c, EvidenceList& seen) {
        return is_listener(c) && seen.that(true, who_listens(c), seen_by::socket_list);
    },
    listener_sentence,
    cure_other,
};

} // namespace portguard::causes
