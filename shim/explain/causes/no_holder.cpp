// A port in use, and no socket that was seen has it.
#include <cerrno>

#include "explain/cause_rule.h"
#include "explain/probe.h"
#include "explain/sentence.h"
#include "explain/unix_case.h"
#include "kernel/holders.h"

namespace portguard::causes {
namespace {

bool is_unheld(const Case& c) {
    return c.facts.event.unix_name.empty() && !c.has_holder() &&
           (c.is(EventKind::in_use) || c.is(EventKind::cured)) && c.facts.holders_asked &&
           c.facts.holders.sockets_complete;
}

std::string unseen_sentence(const Case& c) {
    if (!c.facts.holders.holders.empty()) {
        return "the kernel refuses the port, and of the sockets that are on it none is in the way by the "
               "flags "
               "that they have now";
    }
    return are_bound_sockets_shown()
               ? "the kernel refuses the port, and shows no socket that has it"
               : "a socket that is bound and does not listen has the port: Linux shows those since 6.8 only";
}

std::string unknown_sentence(const Case& c) {
    if (c.facts.unix_look.has_value()) {
        return unix_sentence(*c.facts.unix_look, shown_unix_name(c.facts.event.unix_name));
    }
    if (!c.facts.event.unix_name.empty()) {
        return "who has the name could not be seen";
    }
    if (!c.facts.holders_asked) {
        return "who holds the port was not asked (diagnosis=stack)";
    }
    return c.facts.probe.has_value() && *c.facts.probe != 0 && *c.facts.probe != EADDRINUSE
               ? "no socket was seen that has the port; whether it is free could not be tried (" +
                     describe_errno(*c.facts.probe) + ")"
               : "who holds the port could not be seen";
}

/// What is only bound may stay so: of that, nobody knows whether waiting helps.
void cure_unseen(const Case& c, CureList& list) {
    if (c.facts.holders.holders.empty() && !are_bound_sockets_shown()) {
        list.another_port("one of the two on another port", " or address");
    } else {
        list.wait(60);
    }
}

/// Root sees what is hidden here, and is told what helps.
void cure_unknown(const Case& c, CureList& list) {
    const bool is_root = c.facts.rights.euid == 0;
    const std::string who = is_root ? "portguard who " : "sudo portguard who ";
    if (c.facts.event.unix_name.empty()) {
        list.now(who + (c.facts.event.protocol == Protocol::udp ? "--udp " : "") + list.port());
        return;
    }
    const std::string path = pasted_unix_path(c);
    if (!is_root && !path.empty()) {
        list.now(who + path);
    }
    const bool is_path = !c.facts.event.unix_name.starts_with('\0');
    list.lasting(is_path ? "another path for one of the two" : "another name for one of the two");
}

} // namespace

const CauseRule vanished{
    [](const Case& c, EvidenceList& seen) {
        return is_unheld(c) && c.facts.holders.holders.empty() &&
               (c.is(EventKind::cured) ||
                seen.that(c.facts.probe == 0, "a bind to the same address went through", seen_by::probe)) &&
               seen.that(true, "no socket is on the port", seen_by::socket_list);
    },
    [](const Case&) { return std::string("no process holds the port any more: it was released meanwhile"); },
    [](const Case&, CureList& list) { list.now("start it again"); },
};

const CauseRule unseen_holder{
    [](const Case& c, EvidenceList& seen) {
        return is_unheld(c) && c.is(EventKind::in_use) &&
               (!c.facts.holders.holders.empty() ||
                seen.that(c.facts.probe == EADDRINUSE, "another bind to the address says EADDRINUSE as well",
                          seen_by::probe)) &&
               seen.that(true, "no socket that was listed is in the way", seen_by::socket_list);
    },
    unseen_sentence,
    cure_unseen,
};

/// The last of all: what would tell was not visible.
const CauseRule unknown{
    [](const Case&, EvidenceList&) { return true; },
    unknown_sentence,
    cure_unknown,
};

} // namespace portguard::causes
