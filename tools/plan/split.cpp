#include "tools/plan/split.h"

#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

/// An odd number of ports loses one: the lowest, unless that is an end of `kept`.
PortRange evened(PortRange range, PortRange kept) {
    if (range.size() % 2 == 0 || range == kept) {
        return range;
    }
    if (range.size() == 1) {
        return {};
    }
    return range.low == kept.low ? PortRange{range.low, static_cast<std::uint16_t>(range.high - 1)}
                                 : PortRange{static_cast<std::uint16_t>(range.low + 1), range.high};
}

std::string remark_on(PortRange range) {
    if (range.empty() || range.size() % 2 == 0) {
        return {};
    }
    return text_of(range) + " is kept as it was given; the kernel prefers ends of different parity, as " +
           text_of(evened(range, {})) + " has them, and logs that once";
}

/// What stands in the way, cut to what a sentence bears.
std::string in_the_way(PortRange bounds, const PortSet& pinned) {
    constexpr std::size_t longest = 200;
    std::string text;
    for (PortRange run = pinned.next_run(bounds.low); !run.empty() && run.low <= bounds.high;
         run = pinned.next_run(run.high + 1U)) {
        if (text.size() > longest) {
            return text + ",...";
        }
        text.append(text.empty() ? "" : ",").append(text_of(intersection(run, bounds)));
    }
    return text;
}

} // namespace

PortRange largest_gap(PortRange bounds, const PortSet& taken, bool keeps_ends) {
    PortRange best;
    for (std::uint32_t low = bounds.low; low <= bounds.high && !bounds.empty();) {
        const PortRange next = taken.next_run(low);
        const std::uint32_t end = next.empty() || next.low > bounds.high ? bounds.high + 1U : next.low;
        if (end - low > best.size()) {
            best = {static_cast<std::uint16_t>(low), static_cast<std::uint16_t>(end - 1)};
        }
        low = end > bounds.high ? end : next.high + 1U;
    }
    return evened(best, keeps_ends ? bounds : PortRange{});
}

Split propose_split(const SplitWish& wish) {
    Split split;
    split.reserved = wish.reserved;
    PortSet taken = wish.pinned;
    taken.insert(wish.reserved);
    const PortRange gap = largest_gap(wish.bounds, taken, wish.bounds_are_given);
    if (gap.size() >= wish.least) {
        split.ephemeral = gap;
        split.ports = gap.size();
        split.remark = remark_on(gap);
        return split;
    }
    // Too many listeners stand apart: the range goes around them.
    const PortRange whole = evened(wish.bounds, wish.bounds_are_given ? wish.bounds : PortRange{});
    const std::uint32_t rest = whole.size() - taken.count(whole);
    if (rest >= wish.least) {
        split.ephemeral = whole;
        split.ports = rest;
        split.needs_reserved = true;
        split.remark = remark_on(whole);
        split.reserved.insert(wish.pinned);
        return split;
    }
    split.obstacle = std::to_string(rest) + " of the ports " + text_of(wish.bounds) +
                     " are free of listeners, and " + std::to_string(wish.least) +
                     " are asked for: in the way are " + in_the_way(wish.bounds, taken);
    return split;
}

Split keep_range(const PortSet& pinned, const HostPorts& host) {
    Split split;
    split.ephemeral = host.range;
    split.reserved = host.reserved;
    for (PortRange run = pinned.next_run(host.range.low); !run.empty() && run.low <= host.range.high;
         run = pinned.next_run(run.high + 1U)) {
        split.reserved.insert(intersection(run, host.range));
        split.needs_reserved = true;
    }
    split.ports = host.range.size() - split.reserved.count(host.range);
    if (split.ports == 0) {
        split.obstacle = "of the range that there is (" + text_of(host.range) + ") no port would be left";
        split.ephemeral = {};
    }
    return split;
}

} // namespace portguard::tools
