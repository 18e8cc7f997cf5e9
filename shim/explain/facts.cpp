#include "explain/facts.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "core/policy.h"
#include "core/text.h"
#include "explain/ask_ports.h"
#include "explain/own_client.h"
#include "explain/probe.h"
#include "explain/recall.h"
#include "explain/sandbox.h"
#include "explain/script_frames.h"
#include "explain/snapshot_reader.h"
#include "kernel/borrow_refusal.h"

namespace portguard {
namespace {

// The program waits: an eighth of a millisecond, or a quarter where nobody has read them before.
constexpr std::size_t most_other_fds = 128;

bool has_holders(EventKind kind) {
    return kind == EventKind::in_use || kind == EventKind::cured;
}

std::chrono::milliseconds time_left(const Inquiry& inquiry) {
    return std::chrono::milliseconds(inquiry.deadline.remaining_ms());
}

/// Whether enforce would have tried to cure what observe leaves alone.
bool would_try_cure(const Snapshot& snapshot, const AskedSocket& socket, const HolderReport& holders) {
    Config enforcing = snapshot.config;
    enforcing.mode = Mode::enforce;
    std::vector<DiagSocket> sockets;
    for (const Holder& holder : holders.holders) {
        sockets.push_back(holder.socket);
    }
    return !snapshot.socket_stands_in && snapshot.address_length != 0 && holders.sockets_complete &&
           may_cure(socket.address, sockets) && may_try_cure(enforcing, snapshot.facts);
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
    options.most_other_fds = most_other_fds;
    facts.holders_asked = true;
    const auto seen = read_look(inquiry.snapshot_file);
    facts.holders = seen.has_value() ? conflicts_among(facts.socket.address, *seen, options)
                                     : find_conflicts(facts.socket.address, facts.socket.protocol, options);
    options.budget = time_left(inquiry);
    options.compares = facts.holders.holders.empty() || !is_under_filter();
    if (!options.compares && is_borrowing_deadly()) {
        options.flags = false;
        facts.missing.emplace_back("SO_REUSEADDR of the holders (a seccomp filter kills whoever asks)");
    }
    add_details(facts.holders, options);
    const auto& found = facts.holders.holders;
    if (std::any_of(found.begin(), found.end(),
                    [](const Holder& holder) { return holder.owner_status == OwnerStatus::ended; })) {
        // TIME_WAIT may have followed, or another socket, or none.
        facts.holders = find_conflicts(facts.socket.address, facts.socket.protocol, options);
        add_details(facts.holders, options);
    }
    leave_out(inquiry.own_processes, facts.holders);
    facts.would_try_cure = would_try_cure(inquiry.snapshot, facts.socket, facts.holders);
    gather_holder_facts(facts, inquiry.deadline);
    recall_holders(facts, inquiry.socket, inquiry.deadline);
    const Holder* const decisive = facts.decisive_holder();
    if (facts.holders.holders.empty() && facts.event.kind == EventKind::in_use) {
        facts.probe = probe_unheld(facts.socket, facts.holders.sockets_complete);
    }
    if (decisive == nullptr) {
        return;
    }
    // A server's own port lies outside the range, or ought to.
    const std::uint16_t port = facts.socket.address.endpoint.port;
    if (facts.event.kind == EventKind::in_use && facts.event.call == Call::bind &&
        yields_to_reuseaddr(decisive->socket.state) && facts.host.ports.range.contains(port)) {
        facts.serves_client_on_port = serves_client_on(port, inquiry.snapshot.pid, facts.host.ports.range,
                                                       inquiry.deadline, Syscalls{});
    }
}

void gather_unix_holders(const Inquiry& inquiry, Facts& facts) {
    HolderOptions options;
    options.budget = time_left(inquiry);
    options.left_out_inode = facts.socket.inode;
    options.most_other_fds = most_other_fds;
    facts.holders_asked = true;
    facts.unix_look = look_at_unix_name(std::string(facts.event.unix_name), options);
    facts.holders = facts.unix_look->report;
    leave_out(inquiry.own_processes, facts.holders);
    gather_holder_facts(facts, inquiry.deadline);
}

std::optional<DiagSocket> find_connection(const Endpoint& local, const Endpoint& remote, Protocol protocol,
                                          const Deadline& deadline) {
    std::vector<DiagSocket> sockets;
    dump_both_families(protocol, {local.port, local.port}, diag_connected, deadline, Syscalls{}, sockets,
                       remote.port);
    const auto found = std::find_if(sockets.begin(), sockets.end(), [&](const DiagSocket& socket) {
        return socket.remote.address == remote.address &&
               (local.is_wildcard() || socket.local.address == local.address);
    });
    return found == sockets.end() ? std::nullopt : std::optional(*found);
}

void gather_ports(const Inquiry& inquiry, Facts& facts) {
    const PortChoice choice = inquiry.snapshot.facts.port();
    facts.chose_port = choice == PortChoice::program || choice == PortChoice::program_in_ephemeral;
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    if (getsockname(inquiry.socket, reinterpret_cast<sockaddr*>(&own), &length) == 0) {
        facts.bound_to = read_endpoint(reinterpret_cast<const sockaddr*>(&own), length);
    }
    if (facts.chose_port && facts.bound_to.port != 0) {
        facts.same_tuple =
            find_connection(facts.bound_to, facts.event.asked, facts.socket.protocol, inquiry.deadline);
    }
    constexpr std::size_t longest_setting = 16;
    const auto reuse = read_text_file("/proc/sys/net/ipv4/tcp_tw_reuse", longest_setting, Syscalls{});
    facts.reuses_time_wait = reuse.has_value() && reuse->starts_with('1');
    facts.ports = ask_ports(inquiry.snapshot, inquiry.socket, facts.socket.protocol, facts.host.ports,
                            inquiry.deadline, Syscalls{});
    if (!facts.ports.has_value()) {
        facts.missing.emplace_back("how many ports are in use");
    }
}

void gather_for_kind(const Inquiry& inquiry, Facts& facts) {
    switch (facts.event.kind) {
    case EventKind::exhausted:
        gather_ports(inquiry, facts);
        facts.ports_listened_on = ask_listened_ports(inquiry.deadline);
        break;
    case EventKind::ephemeral_listener: facts.ports_listened_on = ask_listened_ports(inquiry.deadline); break;
    case EventKind::invalid: facts.call = ask_call(inquiry.snapshot, inquiry.socket); break;
    case EventKind::unavailable: facts.address = ask_address(facts.socket.address); break;
    case EventKind::privileged:
        facts.sandbox = ask_sandbox(inquiry.snapshot.pid, inquiry.snapshot.tid);
        break;
    default: break;
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
    facts.rights = read_rights();
    facts.exe = *inquiry.snapshot.exe != '\0' ? inquiry.snapshot.exe : read_link_of(pid, "exe");
    facts.cwd = read_link_of(facts.tid > 0 ? facts.tid : pid, "cwd");
    facts.is_self_hidden = access(ProcPath(pid, "fd").c_str(), R_OK | X_OK) != 0;
    auto self = read_process(pid, Syscalls{});
    const bool found = self.has_value();
    if (found) {
        facts.self = std::move(*self);
        facts.manager = find_manager(facts.self, facts.socket.protocol, facts.event.asked.port);
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
    facts.is_guarded = snapshot.config.mode == Mode::enforce &&
                       snapshot.config.reuseaddr != ReuseAddress::off && !snapshot.socket_stands_in;
    facts.fd = snapshot.fd;
    facts.socket = read_asked_socket(snapshot, inquiry.socket);
    facts.event = {snapshot.kind, snapshot.call,    facts.socket.protocol,        snapshot.error,
                   snapshot.pid,  snapshot.program, facts.socket.address.endpoint};
    facts.event.unix_name =
        unix_name(reinterpret_cast<const sockaddr*>(snapshot.address), snapshot.address_length);
    // Before anything that may use up the time: the copied bytes are here, and names can wait.
    const CallPath calls = walk_stack(snapshot, inquiry.memory);
    const ScriptStack script = read_script(snapshot, calls, inquiry.memory, inquiry.deadline);
    const bool full = snapshot.config.diagnosis == Diagnosis::full;
    if (full) {
        gather_process(inquiry, facts);
        facts.host = read_host_settings(Syscalls{});
    }
    if (full && !facts.event.unix_name.empty()) {
        gather_unix_holders(inquiry, facts);
    } else if (full && has_holders(snapshot.kind)) {
        gather_holders(inquiry, facts);
    }
    facts.stack = name_stack(calls, inquiry.deadline);
    add_script(script, facts.stack);
    if (!facts.stack.missing.empty()) {
        facts.missing.push_back(facts.stack.missing);
    }
    if (full) {
        gather_for_kind(inquiry, facts);
    }
    if (snapshot.socket_stands_in && snapshot.kind == EventKind::in_use) {
        facts.missing.push_back(
            "a cure, and the socket's own options: " +
            describe_refusal(gather_borrow_facts(facts.tid > 0 ? facts.tid : snapshot.pid, EPERM)));
    }
    return facts;
}

} // namespace portguard
