#include "tools/hold/hold_state.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/text.h"
#include "kernel/holders.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

struct StateWord {
    std::string_view word;
    SocketState state;
};

constexpr std::string_view ipv6_wildcard_word = "v6-wildcard";
constexpr std::string_view udp_word = "udp";

constexpr std::array state_words{
    StateWord{"listen", SocketState::listen},           StateWord{"bound", SocketState::bound},
    StateWord{"established", SocketState::established}, StateWord{"syn-sent", SocketState::syn_sent},
    StateWord{"time-wait", SocketState::time_wait},     StateWord{"close-wait", SocketState::close_wait},
    StateWord{"fin-wait1", SocketState::fin_wait1},     StateWord{"fin-wait", SocketState::fin_wait2},
    StateWord{"closing", SocketState::closing},         StateWord{"last-ack", SocketState::last_ack},
    StateWord{ipv6_wildcard_word, SocketState::listen}, StateWord{udp_word, SocketState::unconnected},
};

SocketState state_of(const std::string& word) {
    const auto found = std::find_if(state_words.begin(), state_words.end(),
                                    [&word](const StateWord& entry) { return entry.word == word; });
    if (found == state_words.end()) {
        throw Refusal(ExitCode::usage, "state=" + shown(word) + " is not a state; the values are " +
                                           listed(held_state_words()));
    }
    return found->state;
}

std::string way_out(const AskedAddress& address, int error) {
    switch (error) {
    case EADDRINUSE: return "`portguard who " + std::to_string(address.endpoint.port) + "` shows who has it";
    case EADDRNOTAVAIL: return "no interface of this network namespace has that address";
    case EACCES: return "a port below net.ipv4.ip_unprivileged_port_start needs CAP_NET_BIND_SERVICE";
    default: return "another port or address may do";
    }
}

[[noreturn]] void refuse(const HeldState& state, int error) {
    const AskedAddress& address = state.wanted().local;
    throw Refusal(error == EADDRINUSE ? ExitCode::findings : ExitCode::usage,
                  text_of(address.endpoint) + " cannot be brought into " + state.word() + ": " +
                      describe_errno(error) + "; " + way_out(address, error));
}

/// TIME_WAIT that the kernel is about to forget is none to rely on.
constexpr std::chrono::milliseconds renewal_margin{20};

} // namespace

std::vector<std::string_view> held_state_words() {
    std::vector<std::string_view> words(std::size(state_words));
    std::transform(std::begin(state_words), std::end(state_words), words.begin(),
                   [](const StateWord& entry) { return entry.word; });
    return words;
}

HeldState::HeldState(const std::string& word, const AskedPort& asked, bool reuseaddr, bool reuseport)
    : word_(word) {
    wanted_.state = state_of(word);
    wanted_.protocol = word == udp_word ? Protocol::udp : Protocol::tcp;
    wanted_.reuseaddr = reuseaddr;
    wanted_.reuseport = reuseport;
    wanted_.local = asked.address;
    if (asked.names_address || word == ipv6_wildcard_word) {
        return;
    }
    // Where no address was named: what a plain server or client would have.
    wanted_.local.endpoint.family = Family::ipv4;
    wanted_.local.endpoint.address = {};
    if (wanted_.is_connection()) {
        wanted_.local.endpoint.address = {127, 0, 0, 1};
    }
}

StateSockets::StateSockets(const HeldState& state) : wanted_(state.wanted()) {
    try {
        sockets_.add({&wanted_, 1});
    } catch (const ConditionError& error) {
        refuse(state, error.error());
    }
}

std::optional<std::chrono::milliseconds> StateSockets::lifetime() const {
    if (wanted_.state != SocketState::time_wait) {
        return std::nullopt;
    }
    return std::chrono::milliseconds(find_socket(wanted_).timer_ms.value_or(0)) + renewal_margin;
}

} // namespace portguard::tools
