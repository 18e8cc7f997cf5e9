#include "kernel/sysctls.h"

#include "core/port_set.h"
#include "core/text.h"
#include "kernel/proc.h"

namespace portguard {
namespace {

// A set of all odd ports takes 190 KiB; what is longer is cut, and then not of the form that the parser
// takes.
constexpr std::size_t longest_sysctl = 64 * 1024;

} // namespace

HostSettings read_host_settings(const Syscalls& syscalls) {
    HostSettings settings;
    if (const auto text =
            read_text_file("/proc/sys/net/ipv4/ip_local_port_range", longest_sysctl, syscalls)) {
        parse_host_range(*text, settings.ports.range);
    }
    if (const auto text =
            read_text_file("/proc/sys/net/ipv4/ip_local_reserved_ports", longest_sysctl, syscalls)) {
        parse_reserved_ports(*text, settings.ports.reserved);
    }
    if (const auto text =
            read_text_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", longest_sysctl, syscalls)) {
        std::string_view line = *text;
        const std::uint16_t port = parse_port(trimmed(next_field(line, '\n')));
        settings.unprivileged_port_start = port;
    }
    return settings;
}

} // namespace portguard
