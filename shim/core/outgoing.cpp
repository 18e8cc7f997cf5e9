#include "core/outgoing.h"

namespace portguard {
namespace {

/// How many ports of `range` the kernel gives out by itself.
std::uint32_t count_unreserved(PortRange range, const HostPorts& host) {
    return range.size() - host.reserved.count(range);
}

bool stays_inside(const HostPorts& host, PortRange range) {
    return count_unreserved(host.range, host) == count_unreserved(intersection(host.range, range), host);
}

/// True when the kernel, left alone, gives out no port of `listen`.
bool avoids_listen(const Config& config, const HostPorts& host) {
    for (PortRange run = config.listen.next_run(0); !run.empty();
         run = config.listen.next_run(run.high + 1U)) {
        if (count_unreserved(intersection(run, host.range), host) != 0) {
            return false;
        }
    }
    return true;
}

/// The piece of `base` without listen ports that has most ports to give; empty: none has any. A range wholly
/// of reserved ports must not be chosen: every connect in it fails (K8).
PortRange best_piece(PortRange base, const Config& config, const HostPorts& host) {
    PortRange best;
    std::uint32_t best_size = 0;
    for (std::uint32_t low = base.low; low <= base.high && !base.empty();) {
        const PortRange next = config.listen.next_run(low);
        const std::uint32_t end = next.empty() || next.low > base.high ? base.high + 1U : next.low;
        if (end > low) {
            const PortRange piece{static_cast<std::uint16_t>(low), static_cast<std::uint16_t>(end - 1)};
            const std::uint32_t size = count_unreserved(piece, host);
            if (size > best_size) {
                best = piece;
                best_size = size;
            }
        }
        low = next.empty() || next.low > base.high ? base.high + 1U : next.high + 1U;
    }
    return best;
}

/// IP_LOCAL_PORT_RANGE is intersected with the host's range and ignored where they do not meet (K8).
PortRange reachable_range(const Config& config, const HostPorts& host) {
    if (host.range.empty()) {
        return config.ephemeral;
    }
    const PortRange base = config.ephemeral.empty() ? host.range : intersection(config.ephemeral, host.range);
    return best_piece(base, config, host);
}

/// The kernel takes "0-1023" as a list of reserved ports, and shows it so. Port 0 is none; the rest of such a
/// first word is put into `rest_of_word`.
bool cut_port_zero(std::string_view& text, PortRange& rest_of_word) {
    std::string_view rest = text;
    std::string_view word = next_field(rest, ',');
    const bool is_range = starts_with(word, "0-");
    if (!is_range && word != "0") {
        return true;
    }
    text = rest;
    if (is_range) {
        next_field(word, '-');
        rest_of_word = {1, parse_port(word)};
    }
    return rest_of_word.high != 0 || !is_range;
}

} // namespace

bool parse_host_range(std::string_view text, PortRange& range) {
    std::string_view rest = trimmed(text);
    if (!rest.empty() && rest.back() == '\n') {
        rest.remove_suffix(1);
    }
    const std::uint16_t low = parse_port(trimmed(next_field(rest, '\t')));
    const std::uint16_t high = parse_port(trimmed(rest));
    if (low == 0 || high < low) {
        return false;
    }
    range = {low, high};
    return true;
}

bool parse_reserved_ports(std::string_view text, PortSet& reserved) {
    if (!text.empty() && text.back() == '\n') {
        text.remove_suffix(1);
    }
    PortRange from_zero;
    if (!cut_port_zero(text, from_zero)) {
        return false;
    }
    Text<64> ignored;
    if (!text.empty() && !parse_port_set(text, reserved, ignored)) {
        return false;
    }
    reserved.insert(from_zero);
    return true;
}

OutgoingPlan plan_outgoing(const Config& config, const HostPorts& host) {
    const PortRange wanted = config.ephemeral.empty() ? host.range : config.ephemeral;
    if (!config.has_listen && config.ephemeral.empty()) {
        return {OutgoingMethod::courtesy, false, {}, wanted};
    }
    const bool host_keeps_out = !host.range.empty() && avoids_listen(config, host);
    const bool host_inside = host_keeps_out && stays_inside(host, wanted);
    if (host_inside) {
        const auto method = config.has_listen ? OutgoingMethod::none : OutgoingMethod::courtesy;
        return {method, false, {}, wanted};
    }
    const PortRange range = reachable_range(config, host);
    const bool connect_is_safe = host_keeps_out && config.has_listen;
    if (range.empty()) {
        return {connect_is_safe ? OutgoingMethod::none : OutgoingMethod::courtesy, false, {}, wanted};
    }
    return {connect_is_safe ? OutgoingMethod::none : OutgoingMethod::socket_range, true, range, wanted};
}

OutgoingPlan without_socket_range(OutgoingPlan plan) {
    if (plan.connect == OutgoingMethod::socket_range) {
        plan.connect = OutgoingMethod::courtesy;
    }
    plan.clamp_port_zero = false;
    plan.range = {};
    return plan;
}

} // namespace portguard
