#include "tools/repro/recorded_holders.h"

#include <algorithm>

#include "explain/cause.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

/// As the kernel cuts it (TASK_COMM_LEN, less the NUL).
constexpr std::size_t longest_comm = 15;

/// Who shares the descriptors of others, in all: a log could name more than a machine has room for.
constexpr std::size_t most_sharing = 64;

std::string describe(const RecordedHolder& holder) {
    return text_of(holder.local) + " " + std::string(state_name(holder.state));
}

bool is_of(const RecordedHolder& holder, pid_t pid) {
    return std::any_of(holder.owners.begin(), holder.owners.end(),
                       [pid](const RecordedOwner& owner) { return owner.pid == pid; });
}

bool may_be_orphan(SocketState state) {
    return state == SocketState::fin_wait1 || state == SocketState::fin_wait2 ||
           state == SocketState::last_ack || state == SocketState::closing;
}

bool has_listener(const EventRecord& event) {
    return std::any_of(event.holders.begin(), event.holders.end(),
                       [](const RecordedHolder& holder) { return holder.state == SocketState::listen; });
}

/// As the diagnosis judges it; of the others, a listener beside them tells.
bool was_accepted(const EventRecord& event, const RecordedHolder& holder, PortRange range) {
    const bool dialled = event.cause == cause_name(Cause::outgoing_connection) ||
                         event.cause == cause_name(Cause::outgoing_time_wait);
    const bool is_server =
        event.cause == cause_name(Cause::own_time_wait) || event.cause == cause_name(Cause::dying_server);
    return !dialled && (is_server || has_listener(event) || !range.contains(holder.local.port));
}

WantedSocket wanted_of(const EventRecord& event, const RecordedHolder& holder, const Scene& scene) {
    WantedSocket wanted;
    wanted.protocol = event.protocol == Protocol::udp ? Protocol::udp : Protocol::tcp;
    wanted.state = holder.state;
    wanted.local.endpoint = holder.local;
    wanted.local.v6only = holder.options.v6only.value_or(false);
    // Where SO_REUSEADDR cured, it was there; where the call failed, it is what could have been missing.
    wanted.reuseaddr = holder.options.reuseaddr.value_or(event.kind == EventKind::cured);
    wanted.reuseport = holder.options.reuseport.value_or(false);
    wanted.is_hold = holder.state == SocketState::bound && event.cause == cause_name(Cause::reserved_by_hold);
    wanted.is_orphan = holder.owners.empty() && may_be_orphan(holder.state);
    if (holder.remote.has_value()) {
        wanted.remote = *holder.remote;
    }
    if (wanted.is_connection() && wanted.protocol == Protocol::tcp) {
        wanted.accepted = was_accepted(event, holder, scene.ephemeral);
        wanted.peer_listens = !wanted.accepted;
    }
    return wanted;
}

/// Who has what no process was seen with, and what one listener has accepted.
StandIn& stand_in_for(const WantedSocket& wanted, pid_t pid, Scene& scene) {
    const auto takes = [&](const StandIn& candidate) {
        const bool serves =
            std::any_of(candidate.sockets.begin(), candidate.sockets.end(),
                        [](const auto& own) { return own.state == SocketState::listen || own.accepted; });
        return candidate.stands_for == pid || (wanted.accepted && serves);
    };
    const auto found = std::find_if(scene.stand_ins.begin(), scene.stand_ins.end(), takes);
    if (found != scene.stand_ins.end()) {
        return *found;
    }
    scene.stand_ins.emplace_back().stands_for = pid;
    return scene.stand_ins.back();
}

std::string comm_of_owner(const EventRecord& event, const RecordedOwner& owner, const Scene& scene) {
    if (event.cause == cause_name(Cause::listener_same_program)) {
        return scene.comm;
    }
    const std::string comm = comm_of(owner.argv);
    const bool is_other = event.cause == cause_name(Cause::listener_other_program);
    return is_other && comm == scene.comm ? "other-" + comm.substr(0, longest_comm - 6) : comm;
}

/// As many processes as shared it, as far as there is room.
void share(StandIn& stand_in, std::size_t owners, Scene& scene) {
    std::size_t sharing = 0;
    for (const StandIn& other : scene.stand_ins) {
        sharing += &other == &stand_in ? 0 : other.processes - 1;
    }
    const std::size_t room = most_sharing - sharing;
    if (owners > room + 1) {
        scene.missing.push_back(std::to_string(owners - room - 1) + " more processes that shared a socket");
    }
    stand_in.processes = std::max(stand_in.processes, static_cast<unsigned>(std::min(owners, room + 1)));
}

void add_holder(const EventRecord& event, const RecordedHolder& holder, Scene& scene) {
    const WantedSocket wanted = wanted_of(event, holder, scene);
    if (is_of(holder, event.process.pid)) {
        scene.own.push_back(wanted);
        return;
    }
    const pid_t pid = holder.owners.empty() ? 0 : holder.owners.front().pid;
    StandIn& stand_in = stand_in_for(wanted, pid, scene);
    stand_in.sockets.push_back(wanted);
    stand_in.stands_for = stand_in.stands_for == 0 ? pid : stand_in.stands_for;
    if (stand_in.stands_for == pid && pid != 0) {
        const RecordedOwner& owner = holder.owners.front();
        stand_in.uid = owner.uid;
        stand_in.comm = comm_of_owner(event, owner, scene);
        share(stand_in, holder.owners.size(), scene);
        stand_in.is_left_behind = event.cause == cause_name(Cause::inherited_listener);
    }
}

} // namespace

std::string comm_of(const std::optional<std::vector<std::string>>& argv) {
    if (!argv.has_value() || argv->empty()) {
        return "program";
    }
    const std::string& path = argv->front();
    return path.substr(path.rfind('/') + 1).substr(0, longest_comm);
}

void add_holders(const EventRecord& event, Scene& scene) {
    for (std::size_t index = 0; index < std::min(event.holders.size(), most_holders); ++index) {
        const RecordedHolder& holder = event.holders[index];
        if (holder.state == SocketState::unknown || holder.local.family == Family::other) {
            scene.missing.push_back("a holder whose state or address is not in the event");
            continue;
        }
        if (!holder.options.reuseaddr.has_value()) {
            const char* const taken = event.kind == EventKind::cured ? "on" : "off";
            scene.missing.push_back("SO_REUSEADDR of " + describe(holder) + ", taken as " + taken);
        }
        add_holder(event, holder, scene);
    }
    if (event.holders.size() > most_holders) {
        scene.missing.push_back(std::to_string(event.holders.size() - most_holders) + " more holders");
    }
    // A listener is made after what the kernel lets it share its port with.
    std::stable_partition(scene.stand_ins.begin(), scene.stand_ins.end(), [](const StandIn& stand_in) {
        return std::none_of(stand_in.sockets.begin(), stand_in.sockets.end(),
                            [](const auto& socket) { return socket.state == SocketState::listen; });
    });
}

} // namespace portguard::tools
