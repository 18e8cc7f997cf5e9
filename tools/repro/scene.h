// What a recorded event says of the condition that it was made in: an event in, a list of things to make out.
// Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

#include "core/port_set.h"
#include "tools/common/wanted_socket.h"
#include "tools/events/event_record.h"

namespace portguard::tools {

/// A process that stands for the owner of holders, or for owners that nobody could see.
struct StandIn {
    std::vector<WantedSocket> sockets;
    /// Empty: any name does.
    std::string comm;
    /// Empty: the one who makes it.
    std::optional<uid_t> uid;
    /// Processes that share the descriptors.
    unsigned processes = 1;
    /// It has outlived the process that made the sockets.
    bool is_left_behind = false;
    /// Of the event; 0: none was seen.
    pid_t stands_for = 0;
};

struct Scene {
    EventKind kind = EventKind::in_use;
    Call call = Call::bind;
    /// What the call said; 0: it went through.
    int error = 0;
    std::string cause;
    /// The socket that asks.
    WantedSocket asked;
    /// The process that asks.
    std::string comm;
    std::optional<uid_t> uid;
    /// net.ipv4.ip_local_port_range.
    PortRange ephemeral{32768, 60999};
    /// net.ipv4.ip_unprivileged_port_start.
    std::uint16_t unprivileged_port_start = 0;
    /// For refused: the plan.
    std::string listen;
    std::vector<Endpoint> addresses;
    std::vector<StandIn> stand_ins;
    /// Those that the asking process has itself.
    std::vector<WantedSocket> own;
    /// The holders leave between the call and the look-up.
    bool holders_vanish = false;
    /// NETLINK_SOCK_DIAG is forbidden to the asking process.
    bool is_blind = false;
    /// What is not as it was, each a clause without a full stop.
    std::vector<std::string> missing;
};

/// `listen`: for an event of kind refused, the plan; empty: the one that its sentence names. Throws Refusal
/// (exit status 1) for an event that cannot be made again.
Scene scene_of(const EventRecord& event, const std::string& listen = "");

/// Addresses that a private network namespace has not got by itself: neither loopback nor wildcard.
bool needs_interface(const Endpoint& endpoint);

/// A range of outgoing connections that leaves `port` out.
PortRange range_without(std::uint16_t port);

} // namespace portguard::tools
