#include "kernel/proc.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text.h"
#include "kernel/folder.h"

namespace portguard {
namespace {

constexpr std::size_t longest_command_line = 4096;
// A line of it has the groups, and may be long.
constexpr std::size_t longest_status = 8192;
constexpr std::size_t most_ancestors = 16;

std::optional<std::uint64_t> inode_of(const char* path) {
    struct stat file {};
    if (stat(path, &file) != 0) {
        return std::nullopt;
    }
    return file.st_ino;
}

template <typename Id>
std::optional<ThreeIds<Id>> three_ids(std::string_view text) {
    ThreeIds<Id> ids{};
    for (Id& id : ids) {
        const std::optional<Id> number = parse_number<Id>(next_field(text, '\t'));
        if (!number.has_value()) {
            return std::nullopt;
        }
        id = *number;
    }
    return ids;
}

} // namespace

std::optional<std::uint32_t> parse_socket_link(std::string_view link) {
    constexpr std::string_view prefix = "socket:[";
    if (!link.starts_with(prefix) || !link.ends_with(']')) {
        return std::nullopt;
    }
    return parse_number<std::uint32_t>(link.substr(prefix.size(), link.size() - prefix.size() - 1));
}

bool ProcessStatus::outlives_sigterm() const {
    const auto has_sigterm = [](std::uint64_t set) { return ((set >> (SIGTERM - 1)) & 1U) != 0; };
    return is_stopped || has_sigterm(ignored_signals) || (is_first_below && !has_sigterm(caught_signals));
}

ProcessStatus parse_status(std::string_view text) {
    ProcessStatus status;
    while (!text.empty()) {
        std::string_view value = next_field(text, '\n');
        const std::string_view key = next_field(value, ':');
        value = trimmed(value);
        if (key == "Name") {
            status.name = value;
        } else if (key == "State") {
            status.is_stopped = value.starts_with('T');
        } else if (key == "NSpid") {
            // As this pid namespace counts, and each below it.
            status.is_first_below = value.ends_with("\t1");
        } else if (key == "SigIgn" || key == "SigCgt") {
            (key == "SigIgn" ? status.ignored_signals : status.caught_signals) =
                parse_number<std::uint64_t>(value, 16).value_or(0);
        } else if (key == "PPid") {
            status.parent = parse_number<pid_t>(value).value_or(0);
        } else if (key == "NSpgid" || key == "NSsid") {
            // As this pid namespace counts; those below follow.
            (key == "NSsid" ? status.session : status.group) = take_number<pid_t>(value).value_or(0);
        } else if (key == "Uid") {
            status.uids = three_ids<uid_t>(value);
        } else if (key == "Gid") {
            status.gids = three_ids<gid_t>(value);
        } else if (key == "CapPrm") {
            status.permitted_capabilities = parse_number<std::uint64_t>(value, 16).value_or(0);
        } else if (key == "CapEff") {
            status.effective_capabilities = parse_number<std::uint64_t>(value, 16).value_or(0);
        } else if (key == "Seccomp") {
            status.seccomp_mode = parse_number<int>(value).value_or(0);
        }
    }
    return status;
}

std::vector<std::string> parse_command_line(std::string_view bytes) {
    std::vector<std::string> arguments;
    while (!bytes.empty()) {
        arguments.emplace_back(next_field(bytes, '\0'));
    }
    return arguments;
}

std::optional<std::string> read_text_file(const char* path, std::size_t limit, const Syscalls& syscalls) {
    const ScopedFd file(direct::open(path, O_RDONLY | O_CLOEXEC), syscalls);
    if (!file.valid()) {
        return std::nullopt;
    }
    // Most are a line, and memory that was never touched costs a page fault for each 4 KiB.
    constexpr std::size_t first_size = 4096;
    std::string text(std::min(limit, first_size), '\0');
    std::size_t used = 0;
    while (used < limit) {
        if (used == text.size()) {
            text.resize(std::min(limit, 2 * used));
        }
        const ssize_t length = direct::read(file.get(), text.data() + used, text.size() - used);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length < 0) {
            return std::nullopt;
        }
        if (length == 0) {
            break;
        }
        used += static_cast<std::size_t>(length);
    }
    text.resize(used);
    return text;
}

std::optional<ProcessStatus> read_status(pid_t pid, const Syscalls& syscalls) {
    const auto text = read_text_file(ProcPath(pid, "status").c_str(), longest_status, syscalls);
    if (!text.has_value()) {
        return std::nullopt;
    }
    return parse_status(*text);
}

std::optional<ProcessInfo> read_process(pid_t pid, const Syscalls& syscalls) {
    auto status = read_status(pid, syscalls);
    if (!status.has_value()) {
        return std::nullopt;
    }
    ProcessInfo info;
    info.pid = pid;
    info.comm = std::move(status->name);
    info.uid = status->effective_uid();
    if (const auto bytes = read_text_file(ProcPath(pid, "cmdline").c_str(), longest_command_line, syscalls)) {
        info.argv = parse_command_line(*bytes);
    }
    info.netns = netns_of(pid);
    const bool leader_gone = status->group > 0 && access(ProcPath(status->group, "").c_str(), F_OK) != 0;
    pid_t next = status->parent;
    while (next > 0 && info.ancestors.size() < most_ancestors) {
        auto above = read_status(next, syscalls);
        if (!above.has_value()) {
            break;
        }
        if (info.ancestors.empty()) {
            info.left_behind = leader_gone && (next == 1 || above->session != status->session);
        }
        info.ancestors.push_back({next, std::move(above->name)});
        next = above->parent;
    }
    return info;
}

std::string read_link_of(pid_t pid, std::string_view name) {
    std::array<char, 4096> text;
    const ssize_t length = readlink(ProcPath(pid, name).c_str(), text.data(), text.size());
    return length > 0 ? std::string(text.data(), static_cast<std::size_t>(length)) : std::string{};
}

std::optional<std::uint64_t> netns_of(pid_t pid) {
    return inode_of(ProcPath(pid, "ns/net").c_str());
}

std::optional<std::uint64_t> own_netns() {
    return inode_of("/proc/thread-self/ns/net");
}

std::vector<pid_t> children_of(pid_t pid, const Syscalls& syscalls) {
    constexpr std::size_t longest_list = 65536;
    std::vector<pid_t> children;
    const ScopedFd tasks(direct::open(ProcPath(pid, "task").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                         syscalls);
    for_each_number(tasks.get(), [&](int task) {
        Text<64> path;
        path.add("/proc/").add_number(static_cast<std::uint64_t>(pid)).add("/task/");
        path.add_number(static_cast<std::uint64_t>(task)).add("/children").add('\0');
        const auto text = read_text_file(path.view().data(), longest_list, syscalls);
        std::string_view rest = text.has_value() ? std::string_view(*text) : std::string_view();
        while (!rest.empty()) {
            children.push_back(parse_number<pid_t>(next_field(rest, ' ')).value_or(0));
        }
        return text.has_value();
    });
    return children;
}

} // namespace portguard
