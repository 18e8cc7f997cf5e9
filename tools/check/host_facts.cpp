#include "tools/check/host_facts.h"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

#include "core/number.h"
#include "core/text.h"
#include "kernel/holders.h"
#include "kernel/opener.h"
#include "kernel/socket_option.h"
#include "tools/common/port_text.h"
#include "tools/common/progress.h"

namespace portguard::tools {
namespace {

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

/// IPv4 has a line of names first and lists lo nowhere; IPv6 lists routes of lo, with its name at the end.
bool has_way_out() {
    const Syscalls syscalls;
    const auto ipv4 = read_text_file("/proc/thread-self/net/route", longest_file, syscalls).value_or("");
    if (ipv4.find('\n') != ipv4.rfind('\n')) {
        return true;
    }
    const auto ipv6 = read_text_file("/proc/thread-self/net/ipv6_route", longest_file, syscalls).value_or("");
    for (std::string_view rest = ipv6; !rest.empty();) {
        const std::string_view line = next_field(rest, '\n');
        if (!line.ends_with(" lo")) {
            return true;
        }
    }
    return false;
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

/// Of connections on ports of `listen` that no listener of now covers: one that has gone may have accepted
/// them. `who` asks the same.
void ask_openers(const PortSet& listen, std::vector<SocketFact>& sockets) {
    // A netlink question each.
    constexpr std::size_t most_asked = 1024;
    std::size_t asked = 0;
    const Deadline deadline(longest_look);
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
    const Deadline deadline(longest_look);
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

HostFacts look_around(const FactsWish& wish) {
    HostFacts facts;
    facts.netns = own_netns().value_or(0);
    facts.settings = read_host_settings(Syscalls{});
    facts.tcp_tw_reuse = read_setting("/proc/sys/net/ipv4/tcp_tw_reuse");
    facts.tcp_tw_recycle = read_setting("/proc/sys/net/ipv4/tcp_tw_recycle");
    facts.tcp_max_tw_buckets = read_setting("/proc/sys/net/ipv4/tcp_max_tw_buckets");
    facts.has_way_out = has_way_out();
    facts.has_socket_range = kernel_has_socket_range();
    if (wish.sample.count() != 0) {
        facts.connects = measure_connects(wish.sample);
    }
    facts.sockets = sockets_of_host(facts.missing);
    facts.sees_sockets = facts.missing.empty();
    ask_openers(wish.listen, facts.sockets);
    return facts;
}

HostFacts gather_facts(const FactsWish& wish) {
    std::vector<HostFacts> facts;
    facts.push_back(look_around(wish));
    add_processes(wish, facts);
    return std::move(facts.front());
}

} // namespace portguard::tools
