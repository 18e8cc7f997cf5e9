#include "explain/cure_list.h"

#include <algorithm>

#include "core/outgoing.h"
#include "core/text.h"
#include "explain/rescue_chance.h"
#include "explain/sentence.h"

namespace portguard {
namespace {

constexpr unsigned time_wait_seconds = 60; // TCP_TIMEWAIT_LEN
constexpr std::size_t most_killed = 8;

std::string with_permission(Permission permission, const std::string& command) {
    switch (permission) {
    case Permission::granted: return command;
    case Permission::by_root: return "sudo " + command;
    case Permission::never: break;
    }
    return {};
}

/// The longest that the kernel itself would keep one of those in the way.
unsigned longest_wait(const Facts& facts) {
    unsigned longest = 0;
    for (std::size_t index = 0; index < facts.holders.holders.size(); ++index) {
        const Holder& holder = facts.holders.holders[index];
        if (facts.about[index].conflicts == false || !holder.socket.timer_ms.has_value()) {
            continue;
        }
        unsigned seconds = *holder.socket.timer_ms / 1000 + 2;
        // Its peer may end the connection before: TIME_WAIT then follows.
        seconds += is_orphan(holder) ? time_wait_seconds : 0;
        longest = std::max(longest, seconds);
    }
    return longest;
}

} // namespace

CureList::CureList(const Facts& facts, const Holder* holder)
    : facts_(facts), holder_(holder), port_(std::to_string(facts.event.asked.port)) {}

std::string CureList::in_network(Permission permission, const std::string& command) const {
    const Rights& rights = facts_.rights;
    if (rights.inside.empty()) {
        return with_permission(permission, command);
    }
    const Permission to_enter = rights.euid == 0 ? Permission::granted : Permission::by_root;
    return with_permission(std::max(permission, to_enter), rights.inside + command);
}

std::string CureList::sysctl(const std::string& settings) const {
    return in_network(facts_.rights.sysctls, "sysctl -w " + settings);
}

std::string CureList::as_admin(const std::string& command) const {
    return in_network(facts_.rights.net_admin, command);
}

void CureList::now_if(std::string command) {
    if (!command.empty()) {
        now(std::move(command));
    }
}

void CureList::lasting_if(std::string command) {
    if (!command.empty()) {
        lasting(std::move(command));
    }
}

bool CureList::may_stop(pid_t pid) const {
    const auto& ancestors = facts_.self.ancestors;
    return pid != 1 && pid != facts_.event.pid &&
           std::none_of(ancestors.begin(), ancestors.end(),
                        [pid](const Ancestor& ancestor) { return ancestor.pid == pid; });
}

/// A process that is hidden would go on holding the port.
bool CureList::is_owner_hidden() const {
    for (std::size_t index = 0; index < facts_.holders.holders.size(); ++index) {
        const Holder& holder = facts_.holders.holders[index];
        if (facts_.about[index].conflicts != false && holder.owners.empty() && holder.socket.inode != 0 &&
            !holder.socket.is_hold()) {
            return true;
        }
    }
    return false;
}

std::string CureList::stop_command() const {
    std::vector<pid_t> pids = facts_.pids_in_the_way();
    if (holder_->owners.empty() || is_owner_hidden() ||
        !std::all_of(pids.begin(), pids.end(), [this](pid_t pid) { return may_stop(pid); })) {
        return {};
    }
    const Manager& manager = facts_.owner.manager;
    if (manager.kind != Manager::Kind::none && manager != facts_.manager) {
        std::string command = portguard::stop_command(manager, facts_.rights.euid);
        if (!command.empty()) {
            return command;
        }
    }
    // A server of many processes ends with its first; of a few, each may live on by itself.
    const bool is_one_server = holder_->owners.size() >= pids.size();
    if (pids.size() > most_killed && is_one_server) {
        pids.erase(pids.begin() + 1, pids.end());
    }
    std::string command = facts_.owner.may_be_stopped || facts_.rights.euid == 0 ? "kill" : "sudo kill";
    command += facts_.owner.outlives_sigterm ? " -KILL" : "";
    for (const pid_t pid : pids) {
        command += " " + std::to_string(pid);
    }
    return command;
}

/// The kernel keeps what is left of a connection: FIN_WAIT2 and TIME_WAIT, one after the other. A peer that
/// reads nothing, or is gone, keeps a FIN_WAIT1 or LAST_ACK for longer than can be told
/// (net.ipv4.tcp_orphan_retries).
std::string CureList::until_it_is_free() const {
    bool leaves_something = false;
    bool is_mptcp = false;
    for (std::size_t index = 0; index < facts_.holders.holders.size(); ++index) {
        const Holder& holder = facts_.holders.holders[index];
        const bool is_shared_later = holder.reuseaddr == true && facts_.is_guarded;
        is_mptcp = is_mptcp || holder.mptcp == true;
        leaves_something = leaves_something || (facts_.about[index].conflicts != false && !is_shared_later &&
                                                holder.socket.protocol != Protocol::udp &&
                                                yields_to_reuseaddr(holder.socket.state));
    }
    if (!leaves_something) {
        return {};
    }
    // Of MPTCP, a connection is left that no process has and that is not closing: net.mptcp.close_timeout
    // ends it, and nothing else does.
    const std::string remove = facts_.rights.destroys_orphans && !is_mptcp
                                   ? as_admin("portguard rescue --time-wait --orphans " + port_)
                                   : "";
    return " && " + waiting(2 * time_wait_seconds + 1) + (remove.empty() ? "" : " || " + remove);
}

void CureList::stop_owner(const std::string& then) {
    const std::string command = holder_ == nullptr ? std::string{} : stop_command();
    if (!command.empty()) {
        now(command + then + until_it_is_free());
    } else if (holder_ != nullptr) {
        now_if(look_command());
    }
}

/// Where the process is hidden from here, who sees it is told what stops it.
std::string CureList::look_command() const {
    const bool is_udp = facts_.event.protocol == Protocol::udp;
    const std::string who = std::string("portguard who ") + (is_udp ? "--udp " : "");
    const bool is_unix = !holder_->unix_name.empty();
    const std::string name = is_unix ? pasted_unix_path({facts_, holder_}) : port_;
    switch (holder_->owner_status) {
    case OwnerStatus::not_visible:
        return name.empty() || facts_.rights.euid == 0 ? std::string{} : "sudo " + who + name;
    case OwnerStatus::nobody:
        return is_unix || !facts_.rights.is_pid_namespace_nested || !facts_.owner.tunnels.empty()
                   ? ""
                   : "as root of the host, outside this pid namespace: " + who + port_;
    default: break;
    }
    return {};
}

void CureList::rescue() {
    const RescueChance chance = rescue_chance(facts_);
    // What is removed is in nobody's way; a flag on one side alone changes nothing.
    const bool shares = facts_.is_guarded || facts_.socket.reuseaddr == true || facts_.event.pid == 0;
    const bool removes_all =
        std::all_of(facts_.holders.holders.begin(), facts_.holders.holders.end(),
                    [](const Holder& holder) { return holder.socket.inode == 0 || holder.socket.is_hold(); });
    if (shares || removes_all) {
        now_if(in_network(chance.permission, "portguard rescue" + chance.options + " " + port_));
    }
}

std::string CureList::waiting(unsigned seconds) const {
    const bool is_udp = facts_.event.protocol == Protocol::udp;
    return in_network(Permission::granted, "portguard who --wait=" + std::to_string(seconds) + "s " +
                                               (is_udp ? "--udp " : "") + port_);
}

void CureList::wait(unsigned otherwise) {
    const unsigned known = longest_wait(facts_);
    now(waiting(known != 0 ? known : otherwise));
}

void CureList::keep_outgoing_off() {
    const std::uint16_t port = facts_.event.asked.port;
    const HostPorts& host = facts_.host.ports;
    // What the kernel does not give by itself, no setting of its keeps off (K12).
    if (!host.gives(port)) {
        if (facts_.event.kind != EventKind::ephemeral_listener) {
            lasting("in the program that connects, at its next start: no bind before connect, or another "
                    "source port");
        }
        return;
    }
    PortSet reserved = host.reserved;
    reserved.insert({port, port});
    Text<256> list;
    print_port_set(reserved, list);
    // A list that was cut must not be pasted over the whole one.
    if (!list.truncated()) {
        lasting_if(sysctl("net.ipv4.ip_local_reserved_ports=" + std::string(list.view())));
    }
    const PortRange range = range_beside(facts_, port);
    if (!range.empty()) {
        lasting_if(sysctl("net.ipv4.ip_local_port_range=\"" + std::to_string(range.low) + " " +
                          std::to_string(range.high) + "\""));
    }
    if (facts_.event.kind != EventKind::ephemeral_listener) {
        lasting("portguard run --listen=" + port_ + " -- the program that connects");
    }
}

void CureList::another_port(const std::string& advice, const std::string& rest) {
    names_free_port_ = true;
    const std::uint16_t free = facts_.free_port;
    lasting(advice + (free == 0 ? "" : " (" + std::to_string(free) + " is free)") + rest);
}

void CureList::mark_listener() {
    if (facts_.event.pid == 0) {
        lasting("portguard run -- the server, from its next start on, or SO_REUSEADDR before bind in it");
    } else if (facts_.config->mode == Mode::observe) {
        lasting("PORTGUARD_MODE=enforce: restarts then bind beside TIME_WAIT");
    } else if (!facts_.is_guarded) {
        lasting("SO_REUSEADDR before bind in the server");
    }
}

std::vector<Cure> CureList::take() {
    std::stable_partition(cures_.begin(), cures_.end(), [](const Cure& cure) { return !cure.lasting; });
    return std::move(cures_);
}

PortRange range_beside(const Facts& facts, std::uint16_t port) {
    const PortRange range = facts.host.ports.range;
    const PortRange given = facts.config->ephemeral.empty() ? range : facts.config->ephemeral;
    if (!range.contains(port)) {
        return {};
    }
    PortRange rest = without_port(given, port);
    // The kernel wants ends of different parity, since connect prefers one (K8).
    if (((rest.low ^ rest.high) & 1) == 0 && rest.low + 1 < rest.high) {
        rest.low > port ? ++rest.low : --rest.high;
    }
    for (std::uint32_t other = rest.low; other <= rest.high; ++other) {
        if (facts.ports_listened_on.contains(static_cast<std::uint16_t>(other))) {
            return {};
        }
    }
    return rest.contains(port) ? PortRange{} : rest;
}

} // namespace portguard
