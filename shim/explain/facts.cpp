#include "explain/facts.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "core/policy.h"
#include "core/text.h"
#include "explain/ask_ports.h"
#include "explain/own_client.h"
#include "explain/sandbox.h"

namespace portguard {
namespace {

bool has_holders(EventKind kind) {
    return kind == EventKind::in_use || kind == EventKind::cured;
}

std::string read_link(pid_t pid, std::string_view name) {
    Text<64> path;
    path.add("/proc/").add_number(static_cast<std::uint64_t>(pid)).add('/').add(name).add('\0');
    std::array<char, 4096> text;
    const ssize_t length = readlink(path.view().data(), text.data(), text.size());
    return length > 0 ? std::string(text.data(), static_cast<std::size_t>(length)) : std::string{};
}

std::chrono::milliseconds time_left(const Inquiry& inquiry) {
    return std::chrono::milliseconds(inquiry.deadline.remaining_ms());
}

/// A question of its own, so it is asked only where is_outgoing() needs the answer.
bool is_peer_in_question(const HostSettings& host, const DiagSocket& socket) {
    return yields_to_reuseaddr(socket.state) && host.ports.range.contains(socket.local.port) &&
           host.ports.range.contains(socket.remote.port);
}

/// Whether enforce would have tried to cure what observe leaves alone.
bool would_try_cure(const Snapshot& snapshot, const AskedSocket& socket, const HolderReport& holders) {
    Config enforcing = snapshot.config;
    enforcing.mode = Mode::enforce;
    std::vector<DiagSocket> sockets;
    for (const Holder& holder : holders.holders) {
        sockets.push_back(holder.socket);
    }
    return snapshot.address_length != 0 && holders.sockets_complete && may_cure(socket.address, sockets) &&
           may_try_cure(enforcing, snapshot.facts);
}

bool listens_in_this_network(const Endpoint& endpoint, const Inquiry& inquiry) {
    HolderOptions options;
    options.budget = time_left(inquiry);
    options.states = diag_listen;
    AskedAddress address;
    address.endpoint = endpoint;
    return !find_conflicts(address, Protocol::tcp, options).holders.empty();
}

/// Whoever diagnoses has a copy of the program's socket, and holds nothing.
void leave_out(const std::vector<pid_t>& processes, HolderReport& report) {
    for (Holder& holder : report.holders) {
        const auto is_ours = [&](const Owner& owner) {
            const pid_t pid = report.process_of(owner).pid;
            return std::find(processes.begin(), processes.end(), pid) != processes.end();
        };
        holder.owners.erase(std::remove_if(holder.owners.begin(), holder.owners.end(), is_ours),
                            holder.owners.end());
        if (holder.owners.empty() && holder.owner_status == OwnerStatus::found) {
            holder.owner_status = OwnerStatus::nobody;
        }
    }
}

void gather_holders(const Inquiry& inquiry, Facts& facts) {
    HolderOptions options;
    options.budget = time_left(inquiry);
    options.left_out_inode = facts.socket.inode;
    // The program waits: an eighth of a millisecond, or a quarter where nobody has read them before.
    options.most_other_fds = 128;
    facts.holders_asked = true;
    facts.holders = find_conflicts(facts.socket.address, facts.socket.protocol, options);
    options.budget = time_left(inquiry);
    options.compares = facts.holders.holders.empty() || !is_under_filter();
    if (!options.compares && is_borrowing_deadly()) {
        options.flags = false;
        facts.missing.emplace_back("SO_REUSEADDR of the holders (a seccomp filter kills whoever asks)");
    }
    add_details(facts.holders, options);
    leave_out(inquiry.own_processes, facts.holders);
    if (facts.config->mode == Mode::observe) {
        facts.would_try_cure = would_try_cure(inquiry.snapshot, facts.socket, facts.holders);
    }
    if (facts.holders.holders.empty()) {
        return;
    }
    const Holder& first = facts.holders.holders.front();
    if (is_peer_in_question(facts.host, first.socket)) {
        facts.peer_listens = listens_in_this_network(first.socket.remote, inquiry);
    }
    // A server's own port lies outside the range, or ought to.
    const std::uint16_t port = facts.socket.address.endpoint.port;
    if (facts.event.kind == EventKind::in_use && facts.event.call == Call::bind &&
        yields_to_reuseaddr(first.socket.state) && facts.host.ports.range.contains(port)) {
        facts.serves_client_on_port = serves_client_on(port, inquiry.snapshot.pid, facts.host.ports.range,
                                                       inquiry.deadline, Syscalls{});
    }
    if (!first.owners.empty()) {
        facts.may_stop_owner = kill(facts.holders.process_of(first.owners.front()).pid, 0) == 0;
    }
}

void gather_ports(const Inquiry& inquiry, Facts& facts) {
    const PortChoice choice = inquiry.snapshot.facts.port();
    facts.chose_port = choice == PortChoice::program || choice == PortChoice::program_in_ephemeral;
    facts.ports = ask_ports(inquiry.snapshot, inquiry.socket, facts.socket.protocol, facts.host.ports,
                            inquiry.deadline, Syscalls{});
    if (!facts.ports.has_value()) {
        facts.missing.emplace_back("how many ports are in use");
    }
}

/// Those that descend from nobody (init, the first process of a container) have no ancestors to be missed.
bool has_parent(pid_t pid) {
    const auto status = read_status(pid, Syscalls{});
    return status.has_value() && status->parent != 0;
}

void gather_process(const Inquiry& inquiry, Facts& facts) {
    const pid_t pid = inquiry.snapshot.pid;
    facts.tid = inquiry.snapshot.tid;
    // Of the thread that asked, as the file was executed with its rights.
    facts.euid = geteuid();
    facts.exe = *inquiry.snapshot.exe != '\0' ? inquiry.snapshot.exe : read_link(pid, "exe");
    facts.cwd = read_link(facts.tid > 0 ? facts.tid : pid, "cwd");
    auto self = read_process(pid, Syscalls{});
    const bool found = self.has_value();
    if (found) {
        facts.self = std::move(*self);
    }
    if (inquiry.socket >= 0) {
        // A thread may have gone elsewhere by itself (setns(2)); this process is where it was.
        facts.self.netns = own_netns();
    }
    if (!found) {
        facts.missing.emplace_back("this process in /proc");
    } else if (facts.exe.empty() || facts.cwd.empty() || facts.self.argv.empty() ||
               !facts.self.netns.has_value() || (facts.self.ancestors.empty() && has_parent(pid))) {
        facts.missing.emplace_back("part of what /proc says of this process");
    }
}

} // namespace

Facts gather_facts(const Inquiry& inquiry) {
    const Snapshot& snapshot = inquiry.snapshot;
    Facts facts;
    facts.config = &snapshot.config;
    facts.fd = snapshot.fd;
    facts.socket = read_asked_socket(snapshot, inquiry.socket);
    facts.event = {snapshot.kind, snapshot.call,    facts.socket.protocol,        snapshot.error,
                   snapshot.pid,  snapshot.program, facts.socket.address.endpoint};
    // Before anything that may use up the time: the copied bytes are here, and names can wait.
    const CallPath calls = walk_stack(snapshot, inquiry.memory);
    const bool full = snapshot.config.diagnosis == Diagnosis::full;
    if (full) {
        gather_process(inquiry, facts);
        facts.host = read_host_settings(Syscalls{});
    }
    if (full && has_holders(snapshot.kind)) {
        gather_holders(inquiry, facts);
    }
    facts.stack = name_stack(calls, inquiry.deadline);
    if (!facts.stack.missing.empty()) {
        facts.missing.push_back(facts.stack.missing);
    }
    if (full && snapshot.kind == EventKind::exhausted) {
        gather_ports(inquiry, facts);
    }
    return facts;
}

} // namespace portguard
