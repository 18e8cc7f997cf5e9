#include "preload/host_plan.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "core/policy.h"
#include "kernel/kernel_call.h"
#include "kernel/socket_option.h"
#include "preload/guard.h"
#include "preload/socket_state.h"

namespace portguard::host_plan {

constinit PublishedPlan published_plan;

namespace {

constexpr std::uint64_t clamp_bit = std::uint64_t{1} << 62;
constexpr std::uint64_t binds_bit = std::uint64_t{1} << 61;

/// What is published where setsockopt(IP_LOCAL_PORT_RANGE) turns out to be unknown. Computed with the other:
/// by then a sandbox may kill for opening a file.
constinit PublishedPlan plan_without_range;

constexpr PortRange unpack_range(std::uint32_t value) {
    return {static_cast<std::uint16_t>(value & 0xffff), static_cast<std::uint16_t>(value >> 16)};
}

void publish(PublishedPlan& words, const OutgoingPlan& plan) {
    words.ephemeral.store(range_option_value(plan.ephemeral), std::memory_order_relaxed);
    words.divisible.store(range_option_value(plan.divisible), std::memory_order_relaxed);
    const auto method = static_cast<std::uint64_t>(plan.connect) << PublishedPlan::method_shift;
    const Config& config = guard::config();
    const bool injects = !config.inject.empty();
    const bool defers = config.mode == Mode::enforce && config.port_zero == PortZero::listen;
    const bool remembers = config.remember != Remember::off;
    const bool enforced =
        config.mode == Mode::enforce && config.has_listen && !injects && !defers && !remembers;
    words.plan.store(PublishedPlan::published | (enforced ? PublishedPlan::enforced : 0) |
                         (injects ? PublishedPlan::injects : 0) | (defers ? PublishedPlan::defers : 0) |
                         (remembers ? PublishedPlan::remembers : 0) | (plan.clamp_port_zero ? clamp_bit : 0) |
                         (plan.binds ? binds_bit : 0) | method | range_option_value(plan.range),
                     std::memory_order_release);
}

/// The kernel lacks IP_LOCAL_PORT_RANGE. A thread that reads the host's ports at the same time may publish
/// the other plan once more, and finds out by itself.
void publish_without_range() {
    constexpr auto relaxed = std::memory_order_relaxed;
    published_plan.ephemeral.store(plan_without_range.ephemeral.load(relaxed), relaxed);
    published_plan.divisible.store(plan_without_range.divisible.load(relaxed), relaxed);
    published_plan.plan.store(plan_without_range.plan.load(std::memory_order_acquire),
                              std::memory_order_release);
}

OutgoingPlan unpack(std::uint64_t packed) {
    OutgoingPlan plan;
    plan.connect =
        static_cast<OutgoingMethod>((packed & PublishedPlan::method_mask) >> PublishedPlan::method_shift);
    plan.clamp_port_zero = (packed & clamp_bit) != 0;
    plan.binds = (packed & binds_bit) != 0;
    plan.range = unpack_range(static_cast<std::uint32_t>(packed));
    plan.ephemeral = unpack_range(published_plan.ephemeral.load(std::memory_order_relaxed));
    plan.divisible = unpack_range(published_plan.divisible.load(std::memory_order_relaxed));
    return plan;
}

/// 64 KiB of text and a bit set: too much for a program's stack, and needed once.
struct Scratch {
    HostPorts host;
    char text[65536];
};

std::string_view read_sysctl(const char* path, Scratch& scratch) {
    const long fd = kernel_call(SYS_openat, AT_FDCWD, as_argument(path), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return {};
    }
    // In one piece: the kernel gives a bitmap sysctl at offset 0 alone (proc_do_large_bitmap,
    // kernel/sysctl.c).
    const long count = kernel_call(SYS_read, fd, as_argument(scratch.text), sizeof scratch.text);
    kernel_call(SYS_close, fd);
    return {scratch.text, count > 0 ? static_cast<std::size_t>(count) : 0};
}

void read_reserved_ports(Scratch& scratch) {
    parse_reserved_ports(read_sysctl("/proc/sys/net/ipv4/ip_local_reserved_ports", scratch),
                         scratch.host.reserved);
}

OutgoingPlan compute_and_publish(Scratch& scratch) {
    parse_host_range(read_sysctl("/proc/sys/net/ipv4/ip_local_port_range", scratch), scratch.host.range);
    published_plan.host.store(range_option_value(scratch.host.range), std::memory_order_relaxed);
    read_reserved_ports(scratch);
    publish(plan_without_range, plan_outgoing(guard::config(), scratch.host, false));
    const OutgoingPlan plan = plan_outgoing(guard::config(), scratch.host);
    publish(published_plan, plan);
    return plan;
}

/// What `use` returns of a Scratch; without memory for one, what an empty answer is.
template <typename Use>
auto with_scratch(Use use) {
    const long mapped = kernel_call(call_mmap, 0, sizeof(Scratch), PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (is_error(mapped)) {
        return decltype(use(std::declval<Scratch&>())){};
    }
    // Fresh anonymous memory is all zero, which is what an empty Scratch is.
    const auto answer = use(*reinterpret_cast<Scratch*>(mapped));
    kernel_call(SYS_munmap, mapped, sizeof(Scratch));
    return answer;
}

[[gnu::cold, gnu::noinline]] OutgoingPlan read_host() {
    return with_scratch(compute_and_publish);
}

} // namespace

OutgoingPlan plan() {
    const std::uint64_t packed = published_plan.plan.load(std::memory_order_acquire);
    return packed != 0 ? unpack(packed) : read_host();
}

PortRange host_range() {
    return unpack_range(published_plan.host.load(std::memory_order_relaxed));
}

bool is_reserved(std::uint16_t port) {
    return with_scratch([port](Scratch& scratch) {
        read_reserved_ports(scratch);
        return scratch.host.reserved.contains(port);
    });
}

bool clamp(int fd, PortRange range) {
    const std::uint32_t value = range_option_value(range);
    const long result = set_socket_option(fd, SOL_IP, ip_local_port_range, value);
    if (result == -ENOPROTOOPT) {
        // Other sockets that took a number over unseen (netlink, vsock) say the same.
        const Protocol protocol = socket_state::facts_of(fd).protocol();
        if (protocol == Protocol::tcp || protocol == Protocol::udp) {
            publish_without_range();
        }
    }
    return result == 0;
}

} // namespace portguard::host_plan
