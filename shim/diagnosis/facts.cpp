#include "diagnosis/facts.h"

#include <algorithm>
#include <array>
#include <csignal>

#include <sys/syscall.h>
#include <unistd.h>

#include "diagnosis/ask_ports.h"

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

HolderOptions holder_options(const SeamRequest& request, const AskedSocket& socket) {
    HolderOptions options;
    options.budget = std::chrono::milliseconds(request.config->budget_ms.value());
    options.left_out_inode = socket.inode;
    options.syscalls = real_syscalls(request);
    return options;
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

void gather_holders(const SeamRequest& request, Facts& facts) {
    const HolderOptions options = holder_options(request, facts.socket);
    facts.holders_asked = true;
    facts.holders = find_holders(facts.socket.address, facts.socket.protocol, options);
    if (facts.holders.holders.empty()) {
        return;
    }
    const Holder& first = facts.holders.holders.front();
    if (yields_to_reuseaddr(first.socket.state)) {
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
    if (auto self = read_process(facts.event.pid, syscalls)) {
        facts.self = std::move(*self);
    } else {
        facts.missing.emplace_back("this process in /proc");
    }
    facts.self.netns = own_netns();
}

} // namespace

Syscalls real_syscalls(const SeamRequest& request) {
    Syscalls syscalls;
    syscalls.socket = request.real.socket;
    syscalls.close = request.real.close;
    return syscalls;
}

Facts gather_facts(const SeamRequest& request) {
    const Deadline deadline(std::chrono::milliseconds(request.config->budget_ms.value()));
    const Syscalls syscalls = real_syscalls(request);
    Facts facts;
    facts.config = request.config;
    facts.fd = request.fd;
    facts.socket = read_asked_socket(request);
    facts.event = {request.kind, request.call,    facts.socket.protocol,        request.error,
                   getpid(),     request.program, facts.socket.address.endpoint};
    const bool full = request.config->diagnosis == Diagnosis::full;
    if (full && has_holders(request.kind)) {
        gather_holders(request, facts);
    }
    if (request.config->stack_depth.value() != 0) {
        facts.stack = read_stack(request.context, request.config->stack_depth.value(), deadline, syscalls);
        if (!facts.stack.unavailable.empty()) {
            facts.missing.push_back("the stack (" + facts.stack.unavailable + ")");
        }
    }
    if (full) {
        gather_process(syscalls, facts);
        facts.host = read_host_settings(syscalls);
    }
    if (full && request.kind == EventKind::exhausted) {
        gather_ports(request, deadline, facts);
    }
    return facts;
}

} // namespace portguard
