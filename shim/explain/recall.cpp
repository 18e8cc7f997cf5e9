#include "explain/recall.h"

#include <algorithm>
#include <ctime>
#include <memory>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/number.h"
#include "explain/ring_reader.h"
#include "kernel/log_file.h"
#include "kernel/overlap.h"
#include "kernel/proc.h"
#include "kernel/socket_option.h"
#include "kernel/syscalls.h"

namespace portguard {
namespace {

constexpr std::uint64_t ns_per_s = 1'000'000'000;
/// A stack is unwound for so many holders; what the rest of them have is likely to be alike.
constexpr std::size_t most_stacks = 3;
/// Whoever asks for a port that somebody has picked does so soon after.
constexpr std::uint64_t longest_pick_ns = 60 * ns_per_s;

std::uint64_t now_ns(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * ns_per_s + static_cast<std::uint64_t>(now.tv_nsec);
}

std::string boot_id() {
    constexpr std::size_t length = 36;
    return read_text_file("/proc/sys/kernel/random/boot_id", length, Syscalls{}).value_or("");
}

/// CLOCK_BOOTTIME; nothing where the process is gone. Field 22 of proc_pid_stat(5), counted behind the name,
/// which may hold anything.
std::optional<std::uint64_t> start_of(pid_t pid) {
    constexpr std::size_t longest = 4096;
    constexpr int fields_between = 19;
    const auto text = read_text_file(ProcPath(pid, "stat").c_str(), longest, Syscalls{});
    const std::size_t name_end = text.has_value() ? text->rfind(')') : std::string::npos;
    if (name_end == std::string::npos || name_end + 2 > text->size()) {
        return std::nullopt;
    }
    std::string_view rest = std::string_view(*text).substr(name_end + 2);
    for (int field = 0; field < fields_between; ++field) {
        next_field(rest, ' ');
    }
    const auto ticks = parse_number<std::uint64_t>(next_field(rest, ' '));
    return ticks.has_value()
               ? std::optional(*ticks * (ns_per_s / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK))))
               : std::nullopt;
}

/// Another process may have its number by now.
std::optional<bool> has_ended(const RingEntry& entry) {
    if (entry.pid_namespace.empty() || entry.pid_namespace != read_link_of(getpid(), "ns/pid")) {
        return std::nullopt;
    }
    const auto start = start_of(entry.call.pid);
    const std::uint64_t asleep = now_ns(CLOCK_BOOTTIME) - now_ns(CLOCK_MONOTONIC);
    return !start.has_value() || *start > entry.call.time_ns + asleep;
}

std::uint64_t cookie_of(const DiagSocket& socket) {
    return socket.cookie[0] | (std::uint64_t{socket.cookie[1]} << 32);
}

bool is_same(const Endpoint& left, const Endpoint& right) {
    return left.family == right.family && left.port == right.port && left.address == right.address;
}

bool is_pick(const RingEntry& entry) {
    return entry.call.kernel_chose && entry.call.call != Call::connect;
}

/// What one socket did to have its port: bind, if it did, else what came first.
const RingEntry* first_of_socket(const std::vector<RingEntry>& entries, std::uint64_t cookie) {
    const auto found = std::find_if(entries.begin(), entries.end(), [cookie](const RingEntry& entry) {
        return cookie != 0 && entry.call.cookie == cookie;
    });
    return found == entries.end() ? nullptr : &*found;
}

template <typename Matches>
const RingEntry* last_that(const std::vector<RingEntry>& entries, const Matches& matches) {
    const auto found = std::find_if(entries.rbegin(), entries.rend(), matches);
    return found == entries.rend() ? nullptr : &*found;
}

/// TIME_WAIT is another socket to the kernel than the connection that it was.
const RingEntry* connect_of(const std::vector<RingEntry>& entries, const DiagSocket& socket) {
    return last_that(entries, [&](const RingEntry& entry) {
        return entry.call.call == Call::connect && is_same(entry.call.local, socket.local) &&
               is_same(entry.call.remote, socket.remote);
    });
}

/// A connection that nobody of the session opened was accepted here, if it was one that listened.
const RingEntry* listener_for(const std::vector<RingEntry>& entries, const DiagSocket& socket) {
    return last_that(entries, [&](const RingEntry& entry) {
        const Endpoint& local = entry.call.local;
        return entry.call.call == Call::listen && (local.is_wildcard() || is_same(local, socket.local));
    });
}

class Recall {
public:
    Recall(const Config& config, const RingReader& reader, const Deadline& deadline)
        : config_(config), reader_(reader), deadline_(deadline) {}

    RememberedCall call_of(const RingEntry& entry, bool is_of_socket, bool with_stack) const {
        RememberedCall call;
        call.call = entry.call.call;
        call.kernel_chose = entry.call.kernel_chose;
        call.is_of_socket = is_of_socket;
        call.pid = entry.call.pid;
        call.tid = entry.call.tid;
        call.program = entry.program;
        call.argv = parse_command_line(reader_.read_part(entry.argv));
        call.time_ns = entry.call.time_ns;
        call.age_ns = now_ns(CLOCK_MONOTONIC) - entry.call.time_ns;
        call.has_ended = has_ended(entry);
        if (with_stack && !deadline_.passed()) {
            call.stack = stack_of(entry);
        }
        return call;
    }

private:
    [[nodiscard]] Stack stack_of(const RingEntry& entry) const {
        const auto snapshot = std::make_unique<Snapshot>();
        const std::string bytes = reader_.read_part(entry.stack);
        snapshot->machine = entry.call.machine;
        std::copy(std::begin(entry.call.registers), std::end(entry.call.registers), snapshot->registers);
        snapshot->stack_bytes = static_cast<std::uint32_t>(bytes.size());
        snapshot->config.limits.stack_depth = config_.limits.stack_depth;
        ProgramMemory memory({stack_pointer_of(*snapshot), std::as_bytes(std::span(bytes))},
                             parse_program_map(reader_.read_part(entry.maps)), -1);
        return name_stack(walk_stack(*snapshot, memory), deadline_);
    }

    const Config& config_;
    const RingReader& reader_;
    const Deadline& deadline_;
};

void recall_takers(Facts& facts, const std::vector<RingEntry>& entries, const Recall& recall) {
    for (std::size_t index = 0; index < facts.about.size(); ++index) {
        const DiagSocket& socket = facts.holders.holders[index].socket;
        const RingEntry* entry = first_of_socket(entries, cookie_of(socket));
        bool is_of_socket = true;
        if (entry == nullptr && socket.remote.port != 0) {
            entry = connect_of(entries, socket);
        }
        if (entry == nullptr && socket.remote.port != 0) {
            entry = listener_for(entries, socket);
            is_of_socket = false;
        }
        if (entry != nullptr) {
            const bool with_stack = index < most_stacks || facts.decisive == index;
            facts.about[index].taken = recall.call_of(*entry, is_of_socket, with_stack);
        }
    }
}

/// The port was somebody's pick, whose socket is gone, before the decisive holder took it.
void recall_pick(Facts& facts, const std::vector<RingEntry>& entries, const Recall& recall) {
    if (!facts.decisive.has_value() || !facts.about_decisive().taken.has_value()) {
        return;
    }
    const RememberedCall& taken = *facts.about_decisive().taken;
    const auto is_open = [&](const RingEntry& entry) {
        const auto& holders = facts.holders.holders;
        return std::any_of(holders.begin(), holders.end(), [&](const Holder& holder) {
            return cookie_of(holder.socket) == entry.call.cookie;
        });
    };
    const RingEntry* const pick = last_that(entries, [&](const RingEntry& entry) {
        DiagSocket picked;
        picked.local = entry.call.local;
        return is_pick(entry) && taken.is_of_socket && entry.call.time_ns < taken.time_ns &&
               taken.time_ns - entry.call.time_ns < longest_pick_ns &&
               overlaps(facts.socket.address, picked) && !is_open(entry);
    });
    if (pick != nullptr) {
        facts.picked = recall.call_of(*pick, true, true);
    }
}

} // namespace

void recall_holders(Facts& facts, int socket, const Deadline& deadline) {
    const Config& config = *facts.config;
    if (config.remember == Remember::off || facts.holders.holders.empty()) {
        return;
    }
    Text<sizeof(Config::ring)> path;
    print_ring_path(config, geteuid(), path);
    const Syscalls syscalls;
    const ScopedFd file(open(path.view().data(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY),
                        syscalls);
    struct stat status {};
    RingSearch search{facts.socket.address.endpoint.port, 0, boot_id()};
    read_socket_option(socket, SOL_SOCKET, SO_NETNS_COOKIE, search.network);
    if (!file.valid() || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
        log_writer::distrust_of(status, geteuid()) != log_writer::Distrust::none || search.network == 0) {
        facts.missing.emplace_back("where the port was taken (what `remember` keeps is not to be had here)");
        return;
    }
    const RingReader reader(
        static_cast<std::uint64_t>(status.st_size), [&](std::uint64_t offset, std::span<std::byte> out) {
            const ssize_t count = pread(file.get(), out.data(), out.size(), static_cast<off_t>(offset));
            return count > 0 ? static_cast<std::size_t>(count) : std::size_t{0};
        });
    const std::vector<RingEntry> entries = reader.find(search);
    const Recall recall(config, reader, deadline);
    recall_takers(facts, entries, recall);
    recall_pick(facts, entries, recall);
    if (reader.has_forgotten() && facts.decisive.has_value() && !facts.about_decisive().taken.has_value()) {
        facts.missing.emplace_back(
            "where the port was taken (what `remember` keeps has lost what is older than 32 MiB)");
    }
}

} // namespace portguard
