// The name of a unix socket that is taken. Before the rules of ports, which know addresses only.
#include "explain/cause_rule.h"
#include "explain/sentence.h"
#include "explain/unix_case.h"

namespace portguard::causes {
namespace {

bool is(const Case& c, UnixCase wanted) {
    return c.facts.unix_look.has_value() && case_of(*c.facts.unix_look) == wanted;
}

bool is_abstract(const Case& c) {
    return c.facts.unix_look->kind == PathKind::abstract;
}

std::string sentence(const Case& c) {
    return unix_sentence(*c.facts.unix_look, shown_unix_name(c.facts.event.unix_name));
}

void another_name(const Case& c, CureList& list) {
    list.lasting(is_abstract(c) ? "another name for one of the two" : "another path for one of the two");
}

/// Whoever ends leaves its file behind, which is as much in the way.
void end_holder(const Case& c, CureList& list) {
    const std::string remove = removal(*c.facts.unix_look, absolute_unix_path(c), Removal::if_it_is_there);
    if (is_abstract(c)) {
        list.stop_owner();
    } else if (!remove.empty()) {
        list.stop_owner(" && " + remove);
    }
    another_name(c, list);
}

} // namespace

const CauseRule unix_listener{
    [](const Case& c, EvidenceList& seen) {
        return is(c, UnixCase::listener) && seen.that(true, sentence(c), seen_by::socket_list);
    },
    sentence,
    end_holder,
};

const CauseRule unix_bound{
    [](const Case& c, EvidenceList& seen) {
        return is(c, UnixCase::bound) &&
               (c.facts.unix_look->report.holders.empty()
                    ? seen.that(true, "a socket is bound to the file", seen_by::connect)
                    : seen.that(true, sentence(c), seen_by::socket_list));
    },
    sentence,
    end_holder,
};

const CauseRule unix_stale{
    [](const Case& c, EvidenceList& seen) {
        return is(c, UnixCase::stale) &&
               seen.that(true, "no socket is bound to the file: ECONNREFUSED", seen_by::connect);
    },
    sentence,
    [](const Case& c, CureList& list) {
        list.now_if(removal(*c.facts.unix_look, absolute_unix_path(c), Removal::plain));
        list.lasting("unlink the path before bind in the program, once a connect to it says ECONNREFUSED");
    },
};

const CauseRule unix_not_a_socket{
    [](const Case& c, EvidenceList& seen) {
        return is(c, UnixCase::not_a_socket) && seen.that(true, sentence(c), seen_by::file);
    },
    sentence,
    another_name,
};

const CauseRule unix_vanished{
    [](const Case& c, EvidenceList& seen) {
        return is(c, UnixCase::vanished) &&
               seen.that(true, is_abstract(c) ? "no socket has the name" : "nothing is at the path",
                         is_abstract(c) ? seen_by::socket_list : seen_by::file);
    },
    sentence,
    [](const Case&, CureList& list) { list.now("start it again"); },
};

} // namespace portguard::causes
