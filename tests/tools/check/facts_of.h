// Facts for findings, made without a kernel.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>

#include "tools/check/finding.h"

namespace portguard::test {

inline Endpoint endpoint(const char* text, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    inet_pton(AF_INET, text, &address.sin_addr);
    return read_endpoint(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

inline DiagSocket tcp(SocketState state, std::uint16_t port, std::uint32_t inode = 0) {
    DiagSocket socket;
    socket.protocol = Protocol::tcp;
    socket.state = state;
    const bool has_peer = state != SocketState::listen && state != SocketState::bound;
    socket.local = endpoint(has_peer ? "127.0.0.1" : "0.0.0.0", port);
    socket.remote = has_peer ? endpoint("127.0.0.1", 9) : Endpoint{};
    socket.inode = inode;
    return socket;
}

inline PortSet port_set(std::string_view text) {
    PortSet ports;
    Text<64> ignored;
    parse_port_set(text, ports, ignored);
    return ports;
}

/// A host with the kernel's default settings.
inline tools::HostFacts facts_of(std::vector<DiagSocket> sockets) {
    tools::HostFacts facts;
    facts.settings.ports.range = {32768, 60999};
    facts.settings.unprivileged_port_start = 1024;
    facts.tcp_tw_reuse = 2;
    facts.tcp_max_tw_buckets = 1000;
    facts.sockets = tools::with_roles(std::move(sockets));
    return facts;
}

/// `socket` belongs to a process of that name.
inline void give_owner(tools::HostFacts& facts, std::uint32_t inode, pid_t pid, const char* comm) {
    facts.owners.push_back({inode, pid, 3});
    std::sort(facts.owners.begin(), facts.owners.end(),
              [](const FdOwner& left, const FdOwner& right) { return left.inode < right.inode; });
    facts.processes[pid].pid = pid;
    facts.processes[pid].comm = comm;
}

/// All findings with this id, with --listen where `listen` is not empty.
inline std::vector<tools::Finding> found(const tools::HostFacts& facts, std::string_view id,
                                         std::string_view listen = "", PortRange ephemeral = {}) {
    Config config;
    config.listen = port_set(listen);
    config.has_listen = !listen.empty();
    config.ephemeral = ephemeral;
    auto findings = tools::find_all(facts, tools::plan_for(config, facts));
    std::erase_if(findings, [&](const tools::Finding& finding) { return finding.id != id; });
    return findings;
}

} // namespace portguard::test
