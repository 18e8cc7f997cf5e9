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

/// The longest run of `base` without listen and reserved ports: an explicit bind would be given a reserved
/// one (K12), and a range is all that is kept of it.
PortRange longest_free_run(PortRange base, const Config& config, const HostPorts& host) {
    PortRange best;
    PortRange run;
    for (std::uint32_t port = base.low; port <= base.high && !base.empty(); ++port) {
        const auto candidate = static_cast<std::uint16_t>(port);
        if (config.listen.contains(candidate) || host.reserved.contains(candidate)) {
            run = {};
            continue;
        }
        run = {run.empty() ? candidate : run.low, candidate};
        best = run.size() > best.size() ? run : best;
    }
    return best;
}

bool may_set_range(const Config& config, bool kernel_has_range) {
    return kernel_has_range &&
           (config.range_method == RangeMethod::automatic || config.range_method == RangeMethod::socket);
}

void choose_range(const Config& config, const HostPorts& host, bool kernel_has_range, OutgoingPlan& plan) {
    const RangeMethod method = config.range_method;
    if (may_set_range(config, kernel_has_range)) {
        plan.range = reachable_range(config, host);
    }
    if (plan.range.empty() && (method == RangeMethod::automatic || method == RangeMethod::bind)) {
        plan.range = longest_free_run(plan.ephemeral, config, host);
        plan.binds = !plan.range.empty();
    }
    plan.clamp_port_zero = !plan.range.empty();
}

PortRange divisible(PortRange range, const HostPorts& host) {
    return 2 * host.reserved.count(range) < range.size() ? range : PortRange{};
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

OutgoingPlan plan_outgoing(const Config& config, const HostPorts& host, bool kernel_has_range) {
    OutgoingPlan plan;
    plan.ephemeral = config.ephemeral.empty() ? host.range : config.ephemeral;
    plan.connect = OutgoingMethod::courtesy;
    if (!config.has_listen && config.ephemeral.empty()) {
        return plan;
    }
    const bool host_keeps_out = !host.range.empty() && avoids_listen(config, host);
    if (host_keeps_out && config.has_listen) {
        plan.connect = OutgoingMethod::none;
        // Without the option the kernel's own choice stays whole: an explicit bind would cost such
        // connections the ports that others are in TIME_WAIT on, for a meeting in 14,000 (K15).
        plan.divisible = may_set_range(config, kernel_has_range) ? divisible(host.range, host) : PortRange{};
    }
    // An `ephemeral` that was given is a promise, kept also where `listen` is in no danger.
    if (host_keeps_out && stays_inside(host, plan.ephemeral)) {
        return plan;
    }
    choose_range(config, host, kernel_has_range, plan);
    if (!plan.range.empty()) {
        plan.connect = plan.binds ? OutgoingMethod::explicit_bind : OutgoingMethod::socket_range;
        plan.divisible = divisible(plan.range, host);
    }
    return plan;
}

PortRange smaller_part(PortRange range, std::uint16_t port) {
    const PortRange larger = without_port(range, port);
    if (larger == range) {
        return {};
    }
    const bool is_above = larger.low > port;
    if (is_above) {
        return port == range.low ? PortRange{} : PortRange{range.low, static_cast<std::uint16_t>(port - 1)};
    }
    return port == range.high ? PortRange{} : PortRange{static_cast<std::uint16_t>(port + 1), range.high};
}

PortRange without_port(PortRange range, std::uint16_t port) {
    if (!range.contains(port)) {
        return range;
    }
    const int below = port - range.low;
    const int above = range.high - port;
    if (below == 0 && above == 0) {
        return range;
    }
    return below > above ? PortRange{range.low, static_cast<std::uint16_t>(port - 1)}
                         : PortRange{static_cast<std::uint16_t>(port + 1), range.high};
}

} // namespace portguard
