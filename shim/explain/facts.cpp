#include "explain/facts.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include <sys/syscall.h>
#include <unistd.h>

#include "core/policy.h"
#include "explain/ask_ports.h"
#include "explain/debug_lines.h"

namespace portguard {
namespace {

bool has_holders(EventKind kind) {
    return kind == EventKind::in_use || kind == EventKind::cured;
}

std::string read_link(const char* path) {
    std::array<char, 4096> text;
    const ssize_t length = readlink(path, text.data(), text.size());
    return length > 0 ? std::string(text.data(), static_cast<std::size_t>(length)) : std::string{};
}

/// A question of its own, so it is asked only where is_outgoing() needs the answer.
bool is_peer_in_question(const HostSettings& host, const DiagSocket& socket) {
    return yields_to_reuseaddr(socket.state) && host.ports.range.contains(socket.local.port) &&
           host.ports.range.contains(socket.remote.port);
}

/// Whether enforce would have tried to cure what observe leaves alone.
bool would_try_cure(const SeamRequest& request, const AskedSocket& socket, const HolderReport& holders) {
    Config enforcing = *request.config;
    enforcing.mode = Mode::enforce;
    std::vector<DiagSocket> sockets;
    for (const Holder& holder : holders.holders) {
        sockets.push_back(holder.socket);
    }
    return request.address != nullptr && holders.sockets_complete && may_cure(socket.address, sockets) &&
           may_try_cure(enforcing, request.facts);
}

bool listens_in_this_network(const Endpoint& endpoint, HolderOptions options) {
    options.owners = false;
    options.left_out_inode = 0;
    AskedAddress address;
    address.endpoint = endpoint;
    const HolderReport report = find_holders(address, Protocol::tcp, options);
    return std::any_of(report.holders.begin(), report.holders.end(),
                       [](const Holder& holder) { return holder.socket.state == SocketState::listen; });
}

void gather_holders(const SeamRequest& request, std::unique_ptr<HolderReport> conflicts,
                    const Deadline& deadline, Facts& facts) {
    HolderOptions options = holder_options(request, facts.socket);
    facts.holders_asked = true;
    facts.holders = conflicts != nullptr
                        ? std::move(*conflicts)
                        : find_conflicts(facts.socket.address, facts.socket.protocol, options);
    options.budget = std::chrono::milliseconds(deadline.remaining_ms());
    add_details(facts.holders, options);
    if (request.config->mode == Mode::observe) {
        facts.would_try_cure = would_try_cure(request, facts.socket, facts.holders);
    }
    if (facts.holders.holders.empty()) {
        return;
    }
    const Holder& first = facts.holders.holders.front();
    if (is_peer_in_question(facts.host, first.socket)) {
        options.budget = std::chrono::milliseconds(deadline.remaining_ms());
        facts.peer_listens = listens_in_this_network(first.socket.remote, options);
    }
    if (!first.owners.empty()) {
        facts.may_stop_owner = kill(facts.holders.process_of(first.owners.front()).pid, 0) == 0;
    }
}

void gather_ports(const SeamRequest& request, const Deadline& deadline, Facts& facts) {
    const PortChoice choice = request.facts.port();
    facts.chose_port = choice == PortChoice::program || choice == PortChoice::program_in_ephemeral;
    facts.ports =
        ask_ports(request, facts.socket.protocol, facts.host.ports, deadline, real_syscalls(request));
    if (!facts.ports.has_value()) {
        facts.missing.emplace_back("how many ports are in use");
    }
}

void gather_process(const Syscalls& syscalls, Facts& facts) {
    facts.tid = static_cast<pid_t>(syscall(SYS_gettid));
    facts.euid = geteuid();
    facts.exe = read_link("/proc/self/exe");
    facts.cwd = read_link("/proc/self/cwd");
    auto self = read_process(facts.event.pid, syscalls);
    const bool found = self.has_value();
    if (found) {
        facts.self = std::move(*self);
    }
    facts.self.netns = own_netns();
    if (!found) {
        facts.missing.emplace_back("this process in /proc");
    } else if (facts.exe.empty() || facts.cwd.empty() || facts.self.argv.empty() ||
               !facts.self.netns.has_value() || (facts.self.ancestors.empty() && getppid() != 0)) {
        facts.missing.emplace_back("part of what /proc says of this process");
    }
}

} // namespace

Syscalls real_syscalls(const SeamRequest& request) {
    Syscalls syscalls;
    syscalls.socket = request.real.socket;
    syscalls.close = request.real.close;
    return syscalls;
}

HolderOptions holder_options(const SeamRequest& request, const AskedSocket& socket) {
    HolderOptions options;
    options.budget = std::chrono::milliseconds(request.config->budget_ms.value());
    options.left_out_inode = socket.inode;
    options.syscalls = real_syscalls(request);
    return options;
}

Facts gather_facts(const SeamRequest& request, Beginning beginning) {
    const Deadline deadline(std::chrono::milliseconds(request.config->budget_ms.value()));
    const Syscalls syscalls = real_syscalls(request);
    Facts facts;
    facts.config = request.config;
    facts.fd = request.fd;
    facts.socket = beginning.socket;
    facts.event = {request.kind, request.call,    facts.socket.protocol,        request.error,
                   getpid(),     request.program, facts.socket.address.endpoint};
    const bool full = request.config->diagnosis == Diagnosis::full;
    if (full) {
        gather_process(syscalls, facts);
        facts.host = read_host_settings(syscalls);
    }
    if (full && has_holders(request.kind)) {
        gather_holders(request, std::move(beginning.conflicts), deadline, facts);
    }
    facts.stack = name_stack(beginning.calls, deadline, syscalls);
    if (!facts.stack.unavailable.empty()) {
        facts.missing.push_back("the stack (" + facts.stack.unavailable + ")");
    } else if (!facts.stack.frames.empty() && is_libdw_fatal()) {
        facts.missing.emplace_back("source lines (reading them may crash this program's sanitizer; with "
                                   "intercept_tls_get_addr=0 in its options they are read)");
    }
    if (full && request.kind == EventKind::exhausted) {
        gather_ports(request, deadline, facts);
    }
    return facts;
}

} // namespace portguard
