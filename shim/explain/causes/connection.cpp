// A TCP connection, or what is left of one.
#include "core/text.h"
#include "explain/cause_rule.h"
#include "explain/direction.h"
#include "explain/holder_summary.h"
#include "explain/probe.h"
#include "explain/rescue_chance.h"
#include "explain/sentence.h"

namespace portguard::causes {
namespace {

bool is_connection(const Case& c) {
    return c.has_holder() && !c.is_udp() && yields_to_reuseaddr(c.state());
}

bool is_time_wait(const Case& c) {
    return is_connection(c) && c.state() == SocketState::time_wait;
}

bool is_alive(const Case& c) {
    return is_connection(c) && c.state() != SocketState::time_wait;
}

std::string addresses(const Case& c) {
    return describe_addresses(c.holder->socket);
}

bool see_socket(const Case& c, EvidenceList& seen) {
    return seen.that(true, addresses(c) + " is in " + std::string(state_name(c.state())),
                     seen_by::socket_list);
}

bool is_directed(const Case& c, EvidenceList& seen, Direction proved, Direction likely) {
    const DirectionJudgement judged = judge_direction(c);
    if (judged.direction != proved && judged.direction != likely) {
        return false;
    }
    see_socket(c, seen);
    seen.add(judged.evidence);
    return true;
}

std::string port_words(const Case& c) {
    return origin_words(c.facts.host.ports, c.holder->socket.local.port);
}

/// How two causes that fit are told apart.
std::string if_peer_is(const Case& c, const std::string& article, const std::string& other) {
    return " (if " + address_words(c.holder->socket.remote) + " is " + article +
           " server's address: " + other + ")";
}

// Its own end is the other end.

bool is_self_connected(const Case& c, EvidenceList& seen) {
    const DiagSocket* const socket = is_connection(c) ? &c.holder->socket : nullptr;
    return socket != nullptr && socket->local.port == socket->remote.port &&
           socket->local.address == socket->remote.address &&
           seen.that(true, addresses(c) + " has the same address at both ends", seen_by::socket_list);
}

std::string self_connected_sentence(const Case& c) {
    return who_has(c) + " is connected to itself on " + describe_local(c.holder->socket) +
           ": its own port is the one that it connected to, where no socket listened";
}

/// K21: a lease ends as no other connection to itself does, in a TIME_WAIT over which the flag binds.
bool is_leased(const Case& c, EvidenceList& seen) {
    if (!is_time_wait(c) || !is_self_connected(c, seen)) {
        return false;
    }
    AskedAddress own;
    own.endpoint = c.holder->socket.local;
    own.device = c.holder->socket.device;
    return seen.that(probe_bind(own, Protocol::tcp, Probe::as_hold) == 0, "SO_REUSEADDR binds over it",
                     seen_by::probe);
}

std::string leased_sentence(const Case& c) {
    return describe_local(c.holder->socket) + " is leased for " + seconds_left(c.holder->socket) +
           " more, by a guarded program that picked the port (lease=on) or by `portguard lease`: only a "
           "socket with SO_REUSEADDR, or a guarded program, gets it";
}

void cure_self_connected(const Case& c, CureList& list) {
    if (c.state() == SocketState::time_wait) {
        list.wait(61);
    } else if (!c.is_own()) {
        list.stop_owner();
    }
    list.rescue();
    list.keep_outgoing_off();
}

// Nobody has it.

bool is_orphaned(const Case& c, EvidenceList& seen) {
    return is_alive(c) && is_orphan(*c.holder) && see_socket(c, seen) &&
           seen.that(true, "it has no inode: its program has closed it", seen_by::socket_list);
}

std::string orphaned_sentence(const Case& c) {
    const bool has_time = c.holder->socket.timer_ms.has_value();
    return "a connection that its program has closed waits for the end that the peer " +
           address_words(c.holder->socket.remote) + " has not sent (" + std::string(state_name(c.state())) +
           (has_time ? ", " + seconds_left(c.holder->socket) + " more at most" : "") + ")";
}

void cure_orphaned(const Case& c, CureList& list) {
    list.rescue();
    // Only there the kernel says how long it keeps it. What it sends again until a peer answers may take many
    // minutes (net.ipv4.tcp_orphan_retries, and a window that stays closed).
    if (c.state() == SocketState::fin_wait2 && c.holder->socket.timer_ms.has_value()) {
        constexpr unsigned longest = 180;
        list.wait(longest);
    }
    list.mark_listener();
}

// A process has it.

std::string outgoing_sentence(const Case& c) {
    const std::string proof = judge_direction(c).direction == Direction::outgoing
                                  ? ""
                                  : ", unless a listener that has ended accepted it";
    return "an outgoing connection of " + who_has(c) + " to " + address_words(c.holder->socket.remote) +
           " has this port" + port_words(c) + proof + flag_words(c);
}

std::string accepted_sentence(const Case& c) {
    const std::string proof = judge_direction(c).direction == Direction::accepted
                                  ? ""
                                  : if_peer_is(c, "a", "one that the process opened from this port");
    return "a connection that an earlier listener accepted is still open" + proof + ": " + who_has(c) +
           " has it in " + std::string(state_name(c.state())) + flag_words(c);
}

std::string either_sentence(const Case& c) {
    return who_has(c) + " has a connection on this port in " + std::string(state_name(c.state())) +
           ": an outgoing one, or one that a listener has accepted which is gone; the first if " +
           address_words(c.holder->socket.remote) + " is a server's address" + flag_words(c);
}

void cure_outgoing(const Case& c, CureList& list) {
    list.rescue();
    if (!c.is_own()) {
        list.stop_owner();
    }
    list.keep_outgoing_off();
}

void cure_accepted(const Case& c, CureList& list) {
    list.rescue();
    if (!c.is_own()) {
        list.stop_owner();
    }
    list.mark_listener();
    if (c.holder->mptcp == true) {
        list.lasting("SO_REUSEADDR before listen in the server: an MPTCP connection takes it no more");
    }
}

// TIME_WAIT.

std::string more_time(const Case& c) {
    return "TIME_WAIT for " + seconds_left(c.holder->socket) + " more";
}

std::string outgoing_time_wait_sentence(const Case& c) {
    const std::string proof = judge_direction(c).direction == Direction::outgoing
                                  ? ""
                                  : if_peer_is(c, "not a", "one that an earlier listener accepted");
    return "an outgoing connection to " + address_words(c.holder->socket.remote) + " had this port" +
           port_words(c) + ", and closed it" + proof + ": " + more_time(c);
}

std::string own_time_wait_sentence(const Case& c) {
    const std::string proof = judge_direction(c).direction == Direction::accepted
                                  ? ""
                                  : if_peer_is(c, "a", "one that its program opened from this port");
    // The kernel refused a bind with the flag.
    const bool was_tried = c.facts.socket.reuseaddr == true || (c.facts.is_guarded && c.facts.would_try_cure);
    const std::string flag = was_tried                           ? "; its socket had no SO_REUSEADDR"
                             : c.facts.socket.reuseaddr == false ? "; this socket has no SO_REUSEADDR"
                                                                 : "";
    return "a connection accepted on this port by an earlier listener" + proof + " is in " + more_time(c) +
           flag;
}

std::string either_time_wait_sentence(const Case& c) {
    return addresses(c) + " is in " + more_time(c) +
           ": an outgoing connection, or one that an earlier listener accepted; the first if " +
           address_words(c.holder->socket.remote) + " is a server's address";
}

void cure_time_wait(CureList& list) {
    list.wait(61);
    list.rescue();
}

} // namespace

const CauseRule leased{
    is_leased,
    leased_sentence,
    [](const Case& /*c*/, CureList& list) {
        cure_time_wait(list);
        list.mark_listener();
    },
};
const CauseRule self_connected{is_self_connected, self_connected_sentence, cure_self_connected};
const CauseRule orphaned_connection{is_orphaned, orphaned_sentence, cure_orphaned};
const CauseRule outgoing_connection{
    [](const Case& c, EvidenceList& seen) {
        return is_alive(c) && is_directed(c, seen, Direction::outgoing, Direction::likely_outgoing);
    },
    outgoing_sentence,
    cure_outgoing,
};
const CauseRule dying_server{
    [](const Case& c, EvidenceList& seen) {
        return is_alive(c) && is_directed(c, seen, Direction::accepted, Direction::likely_accepted);
    },
    accepted_sentence,
    cure_accepted,
};
const CauseRule connection{
    [](const Case& c, EvidenceList& seen) {
        return is_alive(c) && is_directed(c, seen, Direction::unknown, Direction::unknown);
    },
    either_sentence,
    cure_accepted,
};
const CauseRule outgoing_time_wait{
    [](const Case& c, EvidenceList& seen) {
        return is_time_wait(c) && is_directed(c, seen, Direction::outgoing, Direction::likely_outgoing);
    },
    outgoing_time_wait_sentence,
    [](const Case& /*c*/, CureList& list) {
        cure_time_wait(list);
        list.keep_outgoing_off();
    },
};
const CauseRule own_time_wait{
    [](const Case& c, EvidenceList& seen) {
        return is_time_wait(c) && is_directed(c, seen, Direction::accepted, Direction::likely_accepted);
    },
    own_time_wait_sentence,
    [](const Case& /*c*/, CureList& list) {
        cure_time_wait(list);
        list.mark_listener();
    },
};
const CauseRule time_wait{
    [](const Case& c, EvidenceList& seen) {
        return is_time_wait(c) && is_directed(c, seen, Direction::unknown, Direction::unknown);
    },
    either_time_wait_sentence,
    [](const Case& /*c*/, CureList& list) {
        cure_time_wait(list);
        list.mark_listener();
    },
};

} // namespace portguard::causes
