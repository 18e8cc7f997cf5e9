#include "tools/common/bind_verdict.h"

#include <algorithm>
#include <cerrno>

#include <linux/capability.h>
#include <unistd.h>

#include "explain/probe.h"
#include "kernel/network_owner.h"
#include "kernel/proc.h"
#include "kernel/syscalls.h"
#include "kernel/sysctls.h"

namespace portguard::tools {
namespace {

bool may_bind_privileged_ports() {
    const auto own = read_status(::getpid(), Syscalls{});
    return own.has_value() && own->has_effective(CAP_NET_BIND_SERVICE) && is_network_ours();
}

/// Why a bind would be refused whoever holds the port, in the order of inet_bind(); 0: it would not.
int error_beside_holders(const AskedAddress& asked, Protocol protocol) {
    if (const int error = probe_bind(asked, protocol, Probe::address); error != 0) {
        return error;
    }
    const auto first_free = read_host_settings(Syscalls{}).unprivileged_port_start.value_or(1024);
    return asked.endpoint.port < first_free && !may_bind_privileged_ports() ? EACCES : 0;
}

bool is_only_bound(const Holder& holder) {
    return holder.socket.state == SocketState::bound && !holder.socket.is_hold();
}

std::optional<int> judge_with_reuseaddr(const AskedAddress& asked, const HolderReport& report,
                                        bool sees_all) {
    const auto& holders = report.holders;
    const auto any = [&](auto is_such) { return std::any_of(holders.begin(), holders.end(), is_such); };
    if (any([](const Holder& holder) {
            return holder.socket.state == SocketState::listen || holder.reuseaddr == false;
        })) {
        return EADDRINUSE;
    }
    const auto is_unknown = [](const Holder& holder) {
        return !holder.reuseaddr.has_value() && !holder.socket.is_hold();
    };
    if (sees_all && !any(is_unknown)) {
        return 0;
    }
    // It is a server that starts, and may be gone and back before we bind.
    if (any([&](const Holder& holder) { return is_unknown(holder) && is_only_bound(holder); })) {
        return std::nullopt;
    }
    // Whoever lacks the flag is refused by the holders, and who has it can share the port with this one.
    return probe_bind(asked, Protocol::tcp, Probe::as_hold);
}

} // namespace

BindVerdict judge_bind(const AskedAddress& asked, Protocol protocol, const HolderReport& report) {
    const bool is_udp = protocol == Protocol::udp;
    if (const int error = error_beside_holders(asked, protocol); error != 0) {
        return {error, is_udp ? 0 : error};
    }
    const bool sees_all = report.sockets_complete && (is_udp || are_bound_sockets_shown());
    if (report.holders.empty()) {
        const int plain = sees_all ? 0 : probe_bind(asked, protocol, Probe::plain);
        if (is_udp) {
            return {plain, 0};
        }
        return {plain, plain == EADDRINUSE ? probe_bind(asked, protocol, Probe::as_hold) : plain};
    }
    return {EADDRINUSE, is_udp ? 0 : judge_with_reuseaddr(asked, report, sees_all)};
}

std::string probe_words(int error) {
    return error == 0 ? "would succeed" : describe_errno(error);
}

} // namespace portguard::tools
