// A TCP socket that is bound and does not listen.
#include "explain/cause_rule.h"
#include "explain/holder_summary.h"
#include "explain/sentence.h"

namespace portguard::causes {
namespace {

bool is_hold(const Case& c, EvidenceList& seen) {
    return c.has_holder() && seen.that(c.holder->socket.is_hold(),
                                       "a socket on " + describe_local(c.holder->socket) +
                                           " that is only bound has the IP_TOS of portguard hold",
                                       seen_by::socket_list);
}

bool is_bound(const Case& c, EvidenceList& seen) {
    return c.has_holder() &&
           seen.that(c.state() == SocketState::bound,
                     who_has(c) + " has bound " + describe_local(c.holder->socket) + " and does not listen",
                     seen_by::socket_list);
}

std::string bound_sentence(const Case& c) {
    if (c.holder->socket.remote.port != 0) {
        return who_has(c) + " has not closed its socket on " + describe_local(c.holder->socket) +
               ", whose connection to " + address_words(c.holder->socket.remote) + " has ended";
    }
    return who_has(c) + " has bound " + describe_local(c.holder->socket) + " and does not listen" +
           flag_words(c) + "; of two that share a bind by SO_REUSEADDR only one could listen";
}

} // namespace

const CauseRule reserved_by_hold{
    is_hold,
    [](const Case&) {
        return std::string("portguard hold keeps the port for a listener that sets SO_REUSEADDR before bind");
    },
    [](const Case&, CureList& list) { list.lasting("SO_REUSEADDR before bind in the program"); },
};

const CauseRule bound_only{
    is_bound,
    bound_sentence,
    [](const Case&, CureList& list) {
        list.stop_owner();
        list.another_port("one of the two on another port", " or address");
    },
};

} // namespace portguard::causes
