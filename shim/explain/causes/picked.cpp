// A port that was picked for somebody, let go, and given to another before it was used.
#include "explain/cause_rule.h"
#include "explain/holder_summary.h"
#include "explain/sentence.h"

namespace portguard::causes {
namespace {

std::string who(const RememberedCall& call) {
    return harmless(call.program) + "[" + std::to_string(call.pid) + "]";
}

std::string pick_words(const RememberedCall& picked) {
    return picked.call == Call::listen ? "listen on a socket without a port" : "bind to port 0";
}

/// A process that binds the number that it has picked, and does so twice, has lost nothing.
bool is_lost(const Case& c, const RememberedCall& taken) {
    return taken.kernel_chose || taken.pid != c.facts.event.pid;
}

bool is_picked(const Case& c, EvidenceList& seen) {
    if (!c.is(EventKind::in_use) || !c.has_holder() || !c.facts.picked.has_value() ||
        !c.facts.about_decisive().taken.has_value() || !is_lost(c, *c.facts.about_decisive().taken)) {
        return false;
    }
    seen.that(true, "the port was picked: " + describe(*c.facts.picked), seen_by::ring);
    seen.that(true, "whoever has it took it later: " + describe(*c.facts.about_decisive().taken),
              seen_by::ring);
    return seen.that(true, "the socket that picked it is gone", seen_by::socket_list);
}

std::string picked_sentence(const Case& c) {
    const RememberedCall& picked = *c.facts.picked;
    const RememberedCall& taken = *c.facts.about_decisive().taken;
    const std::string how = taken.kernel_chose ? "given to " : "taken by ";
    const std::string what = taken.call == Call::connect ? "a connection of " : "a socket of ";
    return "port " + std::to_string(c.facts.event.asked.port) + " was picked by " + who(picked) + " (" +
           pick_words(picked) + "), released, and " + how + what + who(taken) + " " +
           describe_age(taken.time_ns - picked.time_ns) + " after the pick";
}

void cure_picked(const Case& c, CureList& list) {
    if (!c.is_own()) {
        list.stop_owner();
    }
    list.rescue();
    if (c.facts.config->lease == Lease::off) {
        list.lasting("PORTGUARD_LEASE=on (portguard ci --lease): a port that was picked is then given to "
                     "nobody for 60 s "
                     "but who asks for it by number");
    }
    list.lasting(
        "keep the socket that picked the port open, and hand it on, or let the server itself bind to port 0");
}

} // namespace

const CauseRule picked_and_released{is_picked, picked_sentence, cure_picked};

} // namespace portguard::causes
