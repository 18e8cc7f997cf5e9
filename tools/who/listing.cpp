#include "tools/who/listing.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <tuple>

#include <sys/socket.h>

#include "explain/holder_summary.h"
#include "explain/manager.h"
#include "kernel/pidfd.h"
#include "kernel/sock_diag.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

// The command waits for nobody: a host with many processes takes its time.
constexpr std::chrono::seconds patience{10};

PortRange span_of(const std::vector<AskedPorts>& words) {
    PortSet all;
    for (const AskedPorts& word : words) {
        all.insert(word.ports);
    }
    PortRange span;
    for (PortRange run = all.next_run(1); !run.empty(); run = all.next_run(std::uint32_t{run.high} + 1)) {
        span = {span.empty() ? run.low : span.low, run.high};
    }
    return span;
}

/// Of every listener: TCP that listens, UDP that is not connected.
std::uint32_t states_of(Protocol protocol, bool is_for_words) {
    if (is_for_words) {
        return diag_all;
    }
    return protocol == Protocol::tcp ? diag_listen : diag_close;
}

void add_sockets(const std::vector<AskedPorts>& words, std::optional<Protocol> protocol,
                 HolderReport& report) {
    std::vector<DiagSocket> sockets;
    const Deadline deadline(patience);
    const PortRange ports = span_of(words);
    for (const Protocol each : {Protocol::tcp, Protocol::udp}) {
        if (protocol.value_or(each) != each) {
            continue;
        }
        for (const int family : {AF_INET, AF_INET6}) {
            const int error = dump_sockets(family, each, ports, states_of(each, !words.empty()), deadline,
                                           Syscalls{}, sockets)
                                  .error;
            // Without IPv6 in the kernel there is nothing to ask.
            if (error != 0 && !(family == AF_INET6 && error == ENOENT)) {
                report.sockets_complete = false;
                report.missing.push_back(std::string(family == AF_INET ? "IPv4 " : "IPv6 ") +
                                         std::string(protocol_name(each)) + " sockets (" +
                                         describe_errno(error) + ")");
            }
        }
    }
    for (const DiagSocket& socket : sockets) {
        const bool is_asked = std::any_of(words.begin(), words.end(), [&](const AskedPorts& word) {
            return is_asked_about(word, protocol, socket);
        });
        if (words.empty() || is_asked) {
            report.holders.emplace_back().socket = socket;
        }
    }
}

class Units {
public:
    const std::string& of(pid_t pid) {
        const auto [entry, is_new] = known_.try_emplace(pid);
        if (is_new) {
            entry->second = unit_of(read_manager(pid));
        }
        return entry->second;
    }

private:
    std::map<pid_t, std::string> known_;
};

PlanPlace place_of(std::uint16_t port, const Config& config, PortRange ephemeral) {
    if (config.has_listen && config.listen.contains(port)) {
        return PlanPlace::listen;
    }
    if (ephemeral.contains(port)) {
        return PlanPlace::ephemeral;
    }
    return config.has_listen ? PlanPlace::outside : PlanPlace::unplanned;
}

/// What makes one line of many sockets.
auto key_of(const HolderReport& report, const Holder& holder) {
    const DiagSocket& socket = holder.socket;
    const bool is_connection = socket.remote.port != 0 || socket.state == SocketState::time_wait;
    return std::tuple(socket.local.port, socket.protocol, is_connection,
                      is_connection ? "" : describe_local(socket), socket.state,
                      is_connection ? describe_owner(report, holder) : "");
}

void add_pids(const HolderReport& report, const Holder& holder, std::vector<pid_t>& pids) {
    for (const Owner& owner : holder.owners) {
        const pid_t pid = report.process_of(owner).pid;
        if (std::find(pids.begin(), pids.end(), pid) == pids.end()) {
            pids.push_back(pid);
        }
    }
}

void read_flags(const HolderReport& report, Holder& holder) {
    if (holder.owners.empty()) {
        return;
    }
    const Owner& owner = holder.owners.front();
    const ReuseFlags flags =
        read_reuse_flags(report.process_of(owner).pid, owner.fd, holder.socket.inode, Syscalls{});
    holder.reuseaddr = flags.reuseaddr;
    holder.reuseport = flags.reuseport;
    holder.mptcp = flags.mptcp;
    holder.flags_error = flags.error;
}

void fold(Listing& listing, const Config& config) {
    const HolderReport& report = listing.report;
    const PortRange ephemeral =
        config.ephemeral.empty() ? read_host_settings(Syscalls{}).ports.range : config.ephemeral;
    using Key = decltype(key_of(report, report.holders.front()));
    std::map<Key, ListedSocket> lines;
    Units units;
    for (std::size_t index = 0; index < report.holders.size(); ++index) {
        const Holder& holder = report.holders[index];
        const auto [line, is_new] = lines.try_emplace(key_of(report, holder));
        ListedSocket& entry = line->second;
        if (is_new) {
            entry.holder = index;
            entry.place = place_of(holder.socket.local.port, config, ephemeral);
        } else {
            ++entry.count;
        }
        add_pids(report, holder, entry.pids);
    }
    for (auto& [key, entry] : lines) {
        entry.unit = entry.pids.empty() ? "" : units.of(entry.pids.front());
        read_flags(report, listing.report.holders[entry.holder]);
        listing.sockets.push_back(std::move(entry));
    }
}

void find_free(const std::vector<AskedPorts>& words, Listing& listing) {
    PortSet held;
    for (const Holder& holder : listing.report.holders) {
        held.insert({holder.socket.local.port, holder.socket.local.port});
    }
    for (const AskedPorts& word : words) {
        for (std::uint32_t port = 1; port <= 65535; ++port) {
            const auto number = static_cast<std::uint16_t>(port);
            if (word.ports.contains(number) && !held.contains(number)) {
                listing.free.insert({number, number});
            }
        }
    }
}

} // namespace

std::string unit_of(const Manager& manager) {
    switch (manager.kind) {
    case Manager::Kind::unit:
    case Manager::Kind::user_unit: return manager.name;
    case Manager::Kind::docker: return "docker:" + manager.name;
    case Manager::Kind::podman: return "podman:" + manager.name;
    case Manager::Kind::cri: return "pod:" + manager.name;
    case Manager::Kind::lxc: return "lxc:" + manager.name;
    default: return {};
    }
}

Listing list_sockets(const std::vector<AskedPorts>& words, std::optional<Protocol> protocol,
                     const Config& config) {
    Listing listing;
    add_sockets(words, protocol, listing.report);
    HolderOptions options;
    options.budget = patience;
    // One of each line is enough, and add_details() reads no more than a report shows.
    options.flags = false;
    add_details(listing.report, options);
    if (!listing.report.holders.empty()) {
        fold(listing, config);
    }
    find_free(words, listing);
    return listing;
}

std::string_view place_word(PlanPlace place) {
    switch (place) {
    case PlanPlace::listen: return "listen";
    case PlanPlace::ephemeral: return "ephemeral";
    case PlanPlace::outside: return "outside";
    case PlanPlace::unplanned: break;
    }
    return {};
}

} // namespace portguard::tools
