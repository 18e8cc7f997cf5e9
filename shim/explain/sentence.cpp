#include "explain/sentence.h"

#include <algorithm>

#include "core/text.h"
#include "explain/holder_summary.h"
#include "explain/unix_case.h"

namespace portguard {

std::string address_words(const Endpoint& endpoint) {
    Text<64> out;
    print_endpoint(endpoint, out);
    return std::string(out.view());
}

std::string seconds_left(const DiagSocket& socket) {
    return socket.timer_ms.has_value() ? std::to_string((*socket.timer_ms + 999) / 1000) + " s"
                                       : "an unknown time";
}

std::string range_text(PortRange range) {
    if (range.empty()) {
        return "unknown";
    }
    Text<16> out;
    print_port_range(range, out);
    return std::string(out.view());
}

PortOrigin origin_of(const HostPorts& host, std::uint16_t port) {
    if (host.range.empty() || host.gives(port)) {
        return PortOrigin::kernel;
    }
    if (host.range.contains(port)) {
        return PortOrigin::program_or_before_reserved;
    }
    return host.reserved.contains(port) ? PortOrigin::program : PortOrigin::program_or_other_range;
}

std::string origin_words(const HostPorts& host, std::uint16_t port, bool several) {
    if (host.range.empty()) {
        return {};
    }
    const std::string range = " ip_local_port_range (" + range_text(host.range) + ")";
    const std::string bound =
        ": its program bound " + std::string(several ? "those ports" : "that port") + " itself";
    switch (origin_of(host, port)) {
    case PortOrigin::program: return ", outside" + range + " and in ip_local_reserved_ports" + bound;
    case PortOrigin::program_or_other_range:
        return ", outside" + range + bound + ", or the range was another then";
    case PortOrigin::program_or_before_reserved:
        return ", which ip_local_reserved_ports keeps the kernel from giving" + bound +
               ", or it was reserved later";
    case PortOrigin::kernel: break;
    }
    return std::string(", which ") + (several ? "lie" : "lies") + " inside" + range;
}

std::string who_has(const Case& c) {
    const auto& owners = c.holder->owners;
    const auto own = std::find_if(owners.begin(), owners.end(), [&](const Owner& owner) {
        return c.facts.holders.process_of(owner).pid == c.facts.event.pid;
    });
    if (own != owners.end()) {
        return "this process (fd " + std::to_string(own->fd) + ")";
    }
    const std::string who = describe_owner(c.facts.holders, *c.holder);
    if (!c.facts.owner.tunnels.empty()) {
        return who + " (or the kernel itself for " + harmless(listed(c.facts.owner.tunnels)) + ")";
    }
    if (c.holder->owner_status == OwnerStatus::nobody) {
        return who + " (or the kernel itself)";
    }
    const bool may_be_own = c.holder->owner_status == OwnerStatus::not_visible && c.facts.is_self_hidden;
    return may_be_own ? who + ", perhaps this one, whose descriptors are hidden," : who;
}

std::string who_listens(const Case& c) {
    return who_has(c) + " listens on " + describe_local(c.holder->socket);
}

std::string absolute_unix_path(const Case& c) {
    const std::string name(c.facts.event.unix_name);
    return name.starts_with('/') || c.facts.cwd.empty() ? name : c.facts.cwd + "/" + name;
}

std::string pasted_unix_path(const Case& c) {
    return c.facts.event.unix_name.starts_with('\0') ? std::string{} : pasted_path(absolute_unix_path(c));
}

std::string unread_reuseport_words(const Case& c) {
    const auto uid = c.facts.socket.uid;
    if (uid.has_value() && *uid != c.holder->socket.uid) {
        return "; its SO_REUSEPORT cannot be read from here, and would share the port only with sockets of "
               "uid " +
               std::to_string(c.holder->socket.uid);
    }
    const auto& about = c.facts.about;
    const auto in_the_way = std::count_if(
        about.begin(), about.end(), [](const HolderFacts& holder) { return holder.conflicts != false; });
    return uid.has_value() && in_the_way == 1
               ? "; its socket has no SO_REUSEPORT, or the kernel would have let this one share the port"
               : "; its SO_REUSEPORT cannot be read from here";
}

std::string flag_words(const Case& c) {
    const AskedSocket& asked = c.facts.socket;
    if (asked.reuseport == true && !c.holder->reuseport.has_value() && !c.holder->socket.is_hold()) {
        return unread_reuseport_words(c);
    }
    if (asked.reuseport == true && c.holder->reuseport == false) {
        return ", without SO_REUSEPORT, which this socket has";
    }
    if (asked.reuseport == false && c.holder->reuseport == true) {
        return ", with SO_REUSEPORT, which this socket does not have";
    }
    if (c.holder->socket.state == SocketState::listen) {
        return {}; // no SO_REUSEADDR helps against it
    }
    if (c.holder->reuseaddr == false) {
        return ", and its socket has no SO_REUSEADDR";
    }
    return asked.reuseaddr == false ? ", and this socket has no SO_REUSEADDR" : "";
}

std::string listed(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t index = 0; index < words.size(); ++index) {
        const bool is_last = index + 1 == words.size();
        text += index == 0 ? "" : is_last ? " and " : ", ";
        text += words[index];
    }
    return text;
}

} // namespace portguard
