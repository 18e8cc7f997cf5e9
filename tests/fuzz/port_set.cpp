// Sets and ranges of ports: an option's value, and what the kernel shows under /proc/sys/net/ipv4.
#include <cstddef>
#include <cstdint>

#include "core/outgoing.h"
#include "core/port_set.h"
#include "fuzz/claims.h"

using namespace portguard;

namespace {

/// The set's runs are apart, add up to its size, and print as text that reads back as the same runs.
void require_consistent(const PortSet& ports) {
    static Text<1 << 19> printed;
    printed.clear();
    print_port_set(ports, printed);
    PortSet again;
    Sentence why;
    fuzz::require(ports.empty() || parse_port_set(printed.view(), again, why), "what is printed can be read");
    std::uint32_t size = 0;
    for (PortRange run = ports.next_run(0); !run.empty(); run = ports.next_run(run.high + 1U)) {
        fuzz::require(again.next_run(run.low) == run, "what is read has the same runs");
        fuzz::require(ports.contains(run.low) && ports.contains(run.high), "a run's ends are members");
        fuzz::require(run.high == 65535 || !ports.contains(static_cast<std::uint16_t>(run.high + 1)),
                      "a run is as long as it can be");
        size += run.size();
    }
    fuzz::require(ports.count({1, 65535}) == size && again.count({1, 65535}) == size, "the runs add up");
    fuzz::require(!ports.contains(0), "port 0 is not a port");
    fuzz::require(ports.first_common({1, 65535}) == ports.next_run(0).low,
                  "the first is that of the first run");
    PortSet both = ports;
    both.insert(again);
    fuzz::require(both.count({1, 65535}) == size, "a set and itself are that set");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::view_of(data, size);
    PortSet ports;
    Sentence why;
    if (parse_port_set(text, ports, why)) {
        fuzz::require(!ports.empty(), "an accepted list has ports");
        require_consistent(ports);
    } else {
        fuzz::require_sentence(why);
        fuzz::require(ports.empty(), "a refused list leaves nothing behind");
    }
    PortSet reserved;
    fuzz::require(parse_reserved_ports(text, reserved) || reserved.empty(), "nor does a refused sysctl");
    require_consistent(reserved);

    PortRange range;
    fuzz::require(parse_host_range(text, range) != range.empty(), "a range is accepted or stays empty");
    fuzz::require(range.low <= range.high, "a range is in order");
    return 0;
}
