#include "tools/check/host_facts.h"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

#include "core/number.h"
#include "core/text.h"
#include "kernel/holders.h"
#include "kernel/opener.h"
#include "kernel/pidfd.h"
#include "kernel/socket_option.h"
#include "tools/common/port_text.h"
#include "tools/common/progress.h"

namespace portguard::tools {
namespace {

/// Nobody waits for a minute; a kernel that does not answer must end it all the same.
constexpr std::chrono::minutes patience{1};
constexpr std::size_t longest_file = 65536;

std::optional<std::uint32_t> read_setting(const char* path) {
    const auto text = read_text_file(path, longest_file, Syscalls{});
    std::string_view rest = text.has_value() ? std::string_view(*text) : std::string_view();
    return take_number<std::uint32_t>(rest);
}

/// "Tcp: ActiveOpens" of /proc/net/snmp: a line of names, then one of numbers in the same order.
std::optional<std::uint64_t> read_active_opens() {
    // Of the thread: --netns moves the thread alone.
    const auto text = read_text_file("/proc/thread-self/net/snmp", longest_file, Syscalls{});
    std::string_view rest = text.has_value() ? std::string_view(*text) : std::string_view();
    std::string_view names;
    while (!rest.empty()) {
        std::string_view line = next_field(rest, '\n');
        if (!line.starts_with("Tcp:")) {
            continue;
        }
        if (names.empty()) {
            names = line;
            continue;
        }
        while (!names.empty()) {
            const std::string_view word = next_field(line, ' ');
            if (next_field(names, ' ') == "ActiveOpens") {
                return parse_number<std::uint64_t>(word).value_or(0);
            }
        }
    }
    return std::nullopt;
}

std::optional<ConnectRate> measure_connects(std::chrono::milliseconds sample) {
    const auto before = read_active_opens();
    const auto start = std::chrono::steady_clock::now();
    sleep_and_say(sample, "portguard: counting new outgoing connections");
    const auto after = read_active_opens();
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
    if (!before.has_value() || !after.has_value()) {
        return std::nullopt;
    }
    return ConnectRate{static_cast<double>(*after - *before) / passed.count(), passed.count()};
}

/// Whose process the findings may name.
bool is_told_with_process(const SocketFact& fact, const PortSet& listen) {
    return fact.role == Role::listener || fact.role == Role::bound || listen.contains(fact.socket.local.port);
}

PortSet with_node_ports(PortSet ports, const std::vector<ClusterPort>& cluster) {
    for (const ClusterPort& entry : cluster) {
        ports.insert(entry.is_node_ports ? entry.ports : PortRange{});
    }
    return ports;
}

void add_owners(const PortSet& listen, HostFacts& facts) {
    std::vector<std::uint32_t> inodes;
    for (const SocketFact& fact : facts.sockets) {
        if (fact.socket.inode != 0 && is_told_with_process(fact, listen)) {
            inodes.push_back(fact.socket.inode);
        }
    }
    std::sort(inodes.begin(), inodes.end());
    OwnerSearch search = find_owners(inodes, Deadline(patience), Syscalls{});
    facts.owners = std::move(search.owners);
    std::stable_sort(facts.owners.begin(), facts.owners.end(),
                     [](const FdOwner& left, const FdOwner& right) { return left.inode < right.inode; });
    for (const FdOwner& owner : facts.owners) {
        const auto [place, is_new] = facts.processes.try_emplace(owner.pid);
        if (is_new) {
            // One that has gone meanwhile keeps its number.
            place->second = read_process(owner.pid, Syscalls{}).value_or(ProcessInfo{});
            place->second.pid = owner.pid;
        }
    }
    const auto unowned =
        std::count_if(facts.sockets.begin(), facts.sockets.end(), [&](const SocketFact& fact) {
            return fact.socket.inode != 0 && is_told_with_process(fact, listen) &&
                   facts.owners_of(fact.socket).empty();
        });
    facts.sees_every_process = search.error == 0 && !search.cut_short && search.hidden == 0;
    if (search.error != 0 || search.cut_short) {
        facts.missing.emplace_back("the processes (/proc cannot be read)");
    } else if (unowned != 0 && search.hidden != 0) {
        facts.missing.push_back("the processes of " + counted(static_cast<std::size_t>(unowned), "socket") +
                                " of other users (run as root)");
    }
}

void add_flags(HostFacts& facts) {
    std::size_t unread = 0;
    for (const SocketFact& fact : facts.sockets) {
        const auto owners = facts.owners_of(fact.socket);
        if (fact.socket.state != SocketState::listen || owners.empty()) {
            continue;
        }
        const FdOwner& owner = owners.front();
        const ReuseFlags flags = read_reuse_flags(owner.pid, owner.fd, fact.socket.inode, Syscalls{});
        if (flags.reuseaddr.has_value()) {
            facts.reuseaddr[fact.socket.inode] = *flags.reuseaddr;
        } else {
            ++unread;
        }
    }
    if (unread != 0) {
        facts.missing.push_back("SO_REUSEADDR of " + counted(unread, "listener") +
                                " (reading it takes the right to ptrace; run as root)");
    }
}

/// Of connections on ports of `listen` that no listener of now covers: one that has gone may have accepted
/// them. `who` asks the same.
void ask_openers(const PortSet& listen, std::vector<SocketFact>& sockets) {
    // A netlink question each.
    constexpr std::size_t most_asked = 1024;
    std::size_t asked = 0;
    const Deadline deadline(patience);
    for (SocketFact& fact : sockets) {
        const bool is_doubtful = fact.role == Role::outgoing && fact.socket.protocol != Protocol::udp &&
                                 listen.contains(fact.socket.local.port);
        if (is_doubtful && asked++ < most_asked &&
            ask_opener(fact.socket, deadline, Syscalls{}) == Opener::peer) {
            fact.role = Role::left_over;
        }
    }
}

} // namespace

bool kernel_has_socket_range() {
    const Syscalls syscalls;
    const ScopedFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), syscalls);
    std::uint32_t value = 0;
    return read_socket_option(socket.get(), SOL_IP, ip_local_port_range, value) != -ENOPROTOOPT;
}

std::span<const FdOwner> HostFacts::owners_of(const DiagSocket& socket) const {
    const auto before = [](const FdOwner& owner, std::uint32_t inode) { return owner.inode < inode; };
    const auto first = std::lower_bound(owners.begin(), owners.end(), socket.inode, before);
    auto last = first;
    while (socket.inode != 0 && last != owners.end() && last->inode == socket.inode) {
        ++last;
    }
    return {first, last};
}

std::vector<SocketFact> sockets_of_host(std::vector<std::string>& missing) {
    const Deadline deadline(patience);
    std::vector<DiagSocket> sockets;
    for (const Protocol protocol : {Protocol::tcp, Protocol::udp}) {
        for (const int family : {AF_INET, AF_INET6}) {
            const int error =
                dump_sockets(family, protocol, 0, diag_all, deadline, Syscalls{}, sockets).error;
            // Without IPv6 in the kernel there is nothing to ask.
            if (error != 0 && !(family == AF_INET6 && error == ENOENT)) {
                missing.push_back(std::string(family == AF_INET ? "IPv4 " : "IPv6 ") +
                                  std::string(protocol_name(protocol)) + " sockets (" +
                                  describe_errno(error) + ")");
            }
        }
    }
    return with_roles(sockets);
}

HostFacts gather_facts(const FactsWish& wish) {
    HostFacts facts;
    facts.netns = own_netns().value_or(0);
    facts.settings = read_host_settings(Syscalls{});
    facts.tcp_tw_reuse = read_setting("/proc/sys/net/ipv4/tcp_tw_reuse");
    facts.tcp_tw_recycle = read_setting("/proc/sys/net/ipv4/tcp_tw_recycle");
    facts.tcp_max_tw_buckets = read_setting("/proc/sys/net/ipv4/tcp_max_tw_buckets");
    facts.has_socket_range = kernel_has_socket_range();
    if (wish.sample.count() != 0) {
        facts.connects = measure_connects(wish.sample);
    }
    facts.sockets = sockets_of_host(facts.missing);
    ask_openers(wish.listen, facts.sockets);
    facts.cluster = ports_of(find_cluster_components(facts.netns));
    add_owners(with_node_ports(wish.listen, facts.cluster), facts);
    if (wish.flags) {
        add_flags(facts);
    }
    return facts;
}

} // namespace portguard::tools
