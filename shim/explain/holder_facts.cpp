#include "explain/holder_facts.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <memory>

#include <arpa/inet.h>
#include <ifaddrs.h>

#include "explain/address_facts.h"
#include "explain/ask_ports.h"
#include "explain/conflict.h"
#include "explain/facts.h"
#include "explain/program_imports.h"
#include "explain/rescue_chance.h"
#include "explain/socket_units.h"
#include "kernel/borrow_refusal.h"

namespace portguard {
namespace {

// A netlink question each, and the first connection tells what the port is used for.
constexpr std::size_t most_asked_openers = 4;
// As many as a cure names.
constexpr std::size_t most_asked_owners = 8;

Permission permission_to_flag(const HolderReport& report, const Holder& holder) {
    if (holder.owners.empty() || !takes_reuseaddr(holder.mptcp == true, holder.socket.state)) {
        return Permission::never; // nothing to reach it through, or nothing to be done
    }
    if (holder.reuseaddr.has_value()) {
        return Permission::granted;
    }
    const pid_t pid = report.process_of(holder.owners.front()).pid;
    return holder.flags_error != 0 && would_work_as_root(gather_borrow_facts(pid, holder.flags_error))
               ? Permission::by_root
               : Permission::never;
}

void judge_holders(Facts& facts, const Deadline& deadline) {
    std::size_t asked = 0;
    for (const Holder& holder : facts.holders.holders) {
        HolderFacts& about = facts.about.emplace_back();
        about.conflicts = conflicts(facts.socket, holder);
        if (!yields_to_reuseaddr(holder.socket.state) || holder.socket.inode == 0) {
            continue;
        }
        // What the first of them are, the rest are likely to be.
        about.flagging = asked < most_asked_openers ? permission_to_flag(facts.holders, holder)
                                                    : facts.about[facts.about.size() - 2].flagging;
        if (asked < most_asked_openers) {
            ++asked;
            about.opener = ask_opener(holder.socket, deadline, Syscalls{});
        }
    }
}

/// The less, the better a socket in the way explains the whole. A hold says the least; and what is in the way
/// of the other family alone would leave the one that no IPV6_V6ONLY helps against.
unsigned rank_of(const Facts& facts, const DiagSocket& socket) {
    if (socket.is_hold()) {
        return 3;
    }
    if (yields_to_reuseaddr(socket.state)) {
        return 2;
    }
    return socket.local.family == facts.socket.address.endpoint.family ? 0 : 1;
}

/// What shares the port is not the reason. Of equals the first: find_holders puts those first that no flag
/// helps against.
std::optional<std::size_t> decisive_of(const Facts& facts) {
    std::optional<std::size_t> best;
    unsigned lowest = 0;
    for (std::size_t index = 0; index < facts.about.size(); ++index) {
        const unsigned rank = rank_of(facts, facts.holders.holders[index].socket);
        if (facts.about[index].conflicts != false && (!best.has_value() || rank < lowest)) {
            best = index;
            lowest = rank;
        }
    }
    return best;
}

bool is_ancestor(const Facts& facts, pid_t pid) {
    const auto& ancestors = facts.self.ancestors;
    return std::any_of(ancestors.begin(), ancestors.end(),
                       [pid](const Ancestor& ancestor) { return ancestor.pid == pid; });
}

/// `number` stands in `text`, and no digit beside it.
bool has_number(std::string_view text, std::string_view number) {
    constexpr auto is_digit = [](char byte) { return byte >= '0' && byte <= '9'; };
    for (std::size_t at = text.find(number); at != std::string_view::npos; at = text.find(number, at + 1)) {
        const std::size_t end = at + number.size();
        if ((at == 0 || !is_digit(text[at - 1])) && (end == text.size() || !is_digit(text[end]))) {
            return true;
        }
    }
    return false;
}

std::string variable_with_port(pid_t pid, std::uint16_t port) {
    constexpr std::size_t longest = 65536;
    const auto text = read_text_file(ProcPath(pid, "environ").c_str(), longest, Syscalls{});
    std::string_view rest = text.has_value() ? std::string_view(*text) : std::string_view();
    const std::string number = std::to_string(port);
    while (!rest.empty()) {
        std::string_view value = next_field(rest, '\0');
        const std::string_view name = next_field(value, '=');
        // Ours name ports as well, and make nothing listen.
        if (has_number(value, number) && !name.starts_with(environment_prefix)) {
            return std::string(name);
        }
    }
    return {};
}

void ask_owner(Facts& facts, const Holder& holder) {
    const bool may_be_the_kernels =
        holder.owner_status == OwnerStatus::nobody || holder.owner_status == OwnerStatus::not_visible;
    if (may_be_the_kernels && holder.socket.protocol == Protocol::udp && holder.socket.uid == 0) {
        facts.owner.tunnels = find_tunnels();
    }
    if (holder.owners.empty()) {
        return;
    }
    const ProcessInfo& process = facts.holders.process_of(holder.owners.front());
    const pid_t pid = process.pid;
    facts.owner.exe = read_link_of(pid, "exe");
    facts.owner.manager = find_manager(process, holder.socket.protocol, holder.socket.local.port);
    std::vector<pid_t> pids = facts.pids_in_the_way();
    pids.resize(std::min(pids.size(), most_asked_owners));
    for (const pid_t each : pids) {
        const auto status = read_status(each, Syscalls{});
        facts.owner.may_be_stopped = facts.owner.may_be_stopped && kill(each, 0) == 0;
        facts.owner.outlives_sigterm =
            facts.owner.outlives_sigterm || (status.has_value() && status->outlives_sigterm());
    }
    if (pid == 1 && holder.socket.state == SocketState::listen) {
        facts.owner.socket_units = find_socket_units(holder.socket.local.port);
    }
    if (is_ancestor(facts, pid) && holder.socket.local.port != 0) {
        facts.variable = variable_with_port(facts.event.pid, holder.socket.local.port);
    }
    // Who has it alone has made it, or has it from a process that is gone.
    const bool may_be_inherited = holder.socket.state == SocketState::listen && holder.owners.size() == 1 &&
                                  pid != facts.event.pid && pid != 1;
    if (may_be_inherited) {
        facts.owner.calls_listen = imports_function(pid, facts.owner.exe, "listen");
    }
}

bool listens_in_this_network(const Endpoint& endpoint, const Deadline& deadline) {
    if (!is_local_address(endpoint)) {
        return false;
    }
    HolderOptions options;
    options.budget = std::chrono::milliseconds(deadline.remaining_ms());
    options.states = diag_listen;
    AskedAddress address;
    address.endpoint = endpoint;
    return !find_conflicts(address, Protocol::tcp, options).holders.empty();
}

} // namespace

bool is_local_address(const Endpoint& endpoint) {
    if (endpoint.is_loopback()) {
        return true;
    }
    ifaddrs* list = nullptr;
    if (endpoint.family == Family::other || getifaddrs(&list) != 0) {
        return false;
    }
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owned(list, freeifaddrs);
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr) {
            continue;
        }
        const bool ipv6 = entry->ifa_addr->sa_family == AF_INET6;
        const Endpoint own =
            read_endpoint(entry->ifa_addr, ipv6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
        if (own.family == endpoint.family && own.address == endpoint.address) {
            return true;
        }
    }
    return false;
}

void gather_holder_facts(Facts& facts, const Deadline& deadline) {
    judge_holders(facts, deadline);
    facts.decisive = decisive_of(facts);
    const Holder* const holder = facts.decisive_holder();
    if (holder == nullptr) {
        return;
    }
    ask_owner(facts, *holder);
    if (yields_to_reuseaddr(holder->socket.state)) {
        facts.peer_listens = listens_in_this_network(holder->socket.remote, deadline);
        facts.ports_listened_on = ask_listened_ports(deadline);
    }
}

} // namespace portguard
