#include "tools/repro/scene.h"

#include <algorithm>
#include <span>

#include "core/errno_name.h"
#include "core/options.h"
#include "explain/cause.h"
#include "kernel/holders.h"
#include "tools/common/refusal.h"
#include "tools/repro/recorded_holders.h"

namespace portguard::tools {
namespace {

constexpr std::uint16_t first_unprivileged_port = 1024;
constexpr std::uint16_t last_port = 65535;

[[noreturn]] void refuse(const std::string& why) {
    throw Refusal(ExitCode::findings, "this event cannot be made again: " + why);
}

/// What follows `mark` in a sentence of the diagnosis, as far as it consists of `characters`.
std::string word_after(const std::string& sentence, std::string_view mark, std::string_view characters) {
    const std::size_t found = sentence.find(mark);
    if (found == std::string::npos) {
        return {};
    }
    const std::size_t start = found + mark.size();
    const std::size_t end = std::min(sentence.find_first_not_of(characters, start), sentence.size());
    return sentence.substr(start, end - start);
}

/// The host's own range, where the sentence tells it.
std::optional<PortRange> recorded_range(const EventRecord& event) {
    const std::string words = word_after(event.sentence, "ip_local_port_range (", "0123456789-");
    PortRange range;
    Sentence ignored;
    const bool is_range = words.find('-') != std::string::npos && parse_port_range(words, range, ignored);
    return is_range ? std::optional(range) : std::nullopt;
}

/// Around `port`: no event says more than that it lies inside.
PortRange range_with(std::uint16_t port) {
    constexpr unsigned reach = 1000;
    const unsigned low = port > reach ? port - reach : 1;
    const unsigned high = std::min(port + reach, 65535U);
    return {static_cast<std::uint16_t>(low), static_cast<std::uint16_t>(high)};
}

bool dials(const std::string& cause) {
    return cause == cause_name(Cause::outgoing_connection) || cause == cause_name(Cause::outgoing_time_wait);
}
bool accepts(const std::string& cause) {
    return cause == cause_name(Cause::own_time_wait) || cause == cause_name(Cause::dying_server);
}

/// The range decides what counts as an outgoing connection.
void set_range(const EventRecord& event, Scene& scene) {
    const auto recorded = recorded_range(event);
    scene.ephemeral = recorded.value_or(scene.ephemeral);
    const std::uint16_t port = event.asked.port;
    const bool is_inside = scene.ephemeral.contains(port);
    const bool wanted_inside = dials(event.cause) || event.kind == EventKind::ephemeral_listener;
    if (wanted_inside && !is_inside) {
        scene.ephemeral = range_with(port);
    } else if (accepts(event.cause) && is_inside) {
        scene.ephemeral = range_without(port);
    } else {
        return;
    }
    scene.missing.emplace_back(
        "the range of outgoing connections is not in the event, and was chosen to fit");
}

void add_address(const Endpoint& endpoint, Scene& scene) {
    const auto is_same = [&endpoint](const Endpoint& other) { return other.address == endpoint.address; };
    if (needs_interface(endpoint) && std::none_of(scene.addresses.begin(), scene.addresses.end(), is_same)) {
        scene.addresses.push_back(endpoint);
    }
}

void add_addresses(const EventRecord& event, Scene& scene) {
    if (event.kind != EventKind::unavailable) {
        add_address(event.asked, scene);
    }
    const std::size_t count = std::min(event.holders.size(), most_holders);
    for (const RecordedHolder& holder : std::span(event.holders).first(count)) {
        add_address(holder.local, scene);
        if (holder.remote.has_value()) {
            add_address(*holder.remote, scene);
        }
    }
}

WantedSocket asked_socket(const EventRecord& event) {
    WantedSocket asked;
    asked.protocol = event.protocol;
    asked.state = SocketState::bound;
    asked.local.endpoint = event.asked;
    asked.local.v6only = event.options.v6only.value_or(false);
    // A socket that was cured has the flag since.
    asked.reuseaddr = event.kind != EventKind::cured && event.options.reuseaddr.value_or(false);
    asked.reuseport = event.options.reuseport.value_or(false);
    return asked;
}

/// Somebody had it, and nobody saw who.
void add_unseen_holder(Scene& scene) {
    StandIn unseen;
    WantedSocket socket = scene.asked;
    socket.state = socket.protocol == Protocol::udp ? SocketState::unconnected : SocketState::listen;
    unseen.sockets.push_back(socket);
    scene.stand_ins.push_back(unseen);
    scene.missing.emplace_back("who held the port is not in the event: a listener stands for it");
}

/// Every port of a range that is a handful wide.
void fill_range(const EventRecord& event, Scene& scene) {
    if (event.sentence.starts_with("the program bound this socket")) {
        refuse("the program had bound its socket itself, and to which port is not in it");
    }
    if (event.call == Call::connect && event.protocol == Protocol::udp) {
        refuse("UDP sockets that are connected leave no port to fill");
    }
    constexpr unsigned width = 8;
    const PortRange around = range_without(event.asked.port);
    scene.ephemeral = {around.low, static_cast<std::uint16_t>(around.low + width - 1)};
    StandIn filler;
    for (unsigned port = scene.ephemeral.low; port <= scene.ephemeral.high; ++port) {
        WantedSocket socket = scene.asked;
        socket.reuseaddr = socket.reuseport = false;
        socket.local.endpoint.port = static_cast<std::uint16_t>(port);
        if (event.call == Call::connect) {
            socket.state = SocketState::established;
            socket.remote = event.asked;
            socket.peer_listens = true;
        } else if (event.protocol == Protocol::udp) {
            socket.state = SocketState::unconnected;
        }
        filler.sockets.push_back(socket);
    }
    scene.stand_ins.push_back(filler);
    scene.missing.emplace_back("the range of outgoing connections is narrowed to " + std::to_string(width) +
                               " ports, which are filled");
}

/// The kernel takes no range of outgoing connections that begins below.
void set_privileged_ports(const EventRecord& event, Scene& scene) {
    if (event.cause == cause_name(Cause::sandbox)) {
        refuse("a sandbox of the program refused it, and none is rebuilt here");
    }
    if (event.asked.port == last_port) {
        refuse("no setting makes port 65535 privileged");
    }
    scene.unprivileged_port_start =
        std::max(first_unprivileged_port, static_cast<std::uint16_t>(event.asked.port + 1));
    scene.ephemeral.low = std::max(scene.ephemeral.low, scene.unprivileged_port_start);
    scene.ephemeral.high = std::max(scene.ephemeral.high, scene.ephemeral.low);
}

/// As the guard in PROGRAM reads it again.
void set_plan(const EventRecord& event, Scene& scene) {
    if (scene.listen.empty()) {
        scene.listen = word_after(event.sentence, "listen=", "0123456789,-");
    }
    if (scene.listen.empty()) {
        refuse("its sentence names no listen=; --listen=PORTS gives the plan");
    }
    PortSet ports;
    Sentence why;
    if (!parse_port_set(scene.listen, ports, why)) {
        refuse("its sentence names a plan that is none (" + std::string(why.view()) +
               "); --listen=PORTS gives the plan");
    }
    Config config;
    if (!option_table()[find_option("deny_errno")].assign(config, errno_name(scene.error), why)) {
        refuse("no plan refuses with its errno (" + describe_errno(scene.error) + ")");
    }
}

void set_the_rest(const EventRecord& event, Scene& scene) {
    switch (event.kind) {
    case EventKind::exhausted: fill_range(event, scene); break;
    case EventKind::privileged: set_privileged_ports(event, scene); break;
    case EventKind::refused: set_plan(event, scene); break;
    default: break;
    }
    scene.holders_vanish = event.cause == cause_name(Cause::vanished);
    scene.is_blind = event.cause == cause_name(Cause::unknown);
    if (scene.holders_vanish || scene.is_blind) {
        add_unseen_holder(scene);
    }
}

} // namespace

bool needs_interface(const Endpoint& endpoint) {
    return endpoint.family != Family::other && !endpoint.is_wildcard() && !endpoint.is_loopback();
}

PortRange range_without(std::uint16_t port) {
    constexpr PortRange above{50000, 60999};
    constexpr PortRange below{20000, 29999};
    return above.contains(port) ? below : above;
}

Scene scene_of(const EventRecord& event, const std::string& listen) {
    if (!event.unix_name.empty()) {
        refuse("it is of a unix socket, which has no port");
    }
    if (event.asked.family == Family::other) {
        refuse("the address that was asked for is not in it");
    }
    if (event.kind == EventKind::injected) {
        refuse("the option inject ordered it, and no condition was there; the same rule orders it again");
    }
    if (event.kind == EventKind::invalid || event.kind == EventKind::joined) {
        refuse("the program's own call was the reason, whoever held a port; there is nothing to rebuild");
    }
    if (event.protocol != Protocol::tcp && event.protocol != Protocol::udp &&
        event.protocol != Protocol::mptcp) {
        refuse("its protocol is not known");
    }
    Scene scene;
    scene.listen = event.kind == EventKind::refused ? listen : "";
    scene.kind = event.kind;
    scene.call = event.call;
    scene.error = event.error.value_or(0);
    scene.cause = event.cause;
    scene.asked = asked_socket(event);
    scene.comm = comm_of(event.process.argv);
    scene.uid = event.process.uid;
    set_range(event, scene);
    add_addresses(event, scene);
    add_holders(event, scene);
    set_the_rest(event, scene);
    if (event.device.has_value()) {
        scene.missing.emplace_back("the socket was bound to interface " + std::to_string(*event.device));
    }
    return scene;
}

} // namespace portguard::tools
