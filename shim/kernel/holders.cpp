#include "kernel/holders.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <thread>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "core/errno_name.h"
#include "core/text.h"
#include "kernel/opener.h"
#include "kernel/owner_search.h"
#include "kernel/pidfd.h"

namespace portguard {
namespace {

// Reading the options of one socket costs three system calls of its owner's locks.
constexpr std::size_t most_flag_reads = 64;

std::vector<std::uint32_t> owned_inodes(const std::vector<Holder>& holders) {
    std::vector<std::uint32_t> inodes;
    for (const Holder& holder : holders) {
        if (holder.socket.inode != 0) {
            inodes.push_back(holder.socket.inode);
        }
    }
    std::sort(inodes.begin(), inodes.end());
    inodes.erase(std::unique(inodes.begin(), inodes.end()), inodes.end());
    return inodes;
}

OwnerHints hints_of(const std::vector<Holder>& holders, const HolderOptions& options) {
    OwnerHints hints;
    hints.most_others = options.most_other_fds;
    hints.compares = options.compares;
    for (const Holder& holder : holders) {
        const DiagSocket& socket = holder.socket;
        if (socket.inode != 0 && socket.cgroup != 0 &&
            std::find(hints.cgroups.begin(), hints.cgroups.end(), socket.cgroup) == hints.cgroups.end()) {
            hints.cgroups.push_back(socket.cgroup);
        }
        if (socket.inode != 0 &&
            std::find(hints.uids.begin(), hints.uids.end(), socket.uid) == hints.uids.end()) {
            hints.uids.push_back(socket.uid);
        }
    }
    return hints;
}

/// Index in report.processes; a process that has gone meanwhile keeps its number alone.
std::size_t index_of_process(HolderReport& report, std::map<pid_t, std::size_t>& known, pid_t pid,
                             const Deadline& deadline, const Syscalls& syscalls) {
    const auto [place, is_new] = known.try_emplace(pid, report.processes.size());
    if (is_new) {
        auto info = deadline.passed() ? std::nullopt : read_process(pid, syscalls);
        report.processes.push_back(info.has_value() ? std::move(*info) : ProcessInfo{});
        report.processes.back().pid = pid;
    }
    return place->second;
}

void sort_parents_first(const HolderReport& report, Holder& holder) {
    const auto depth = [&](const Owner& owner) {
        const auto& ancestors = report.process_of(owner).ancestors;
        return std::count_if(ancestors.begin(), ancestors.end(), [&](const Ancestor& ancestor) {
            return std::any_of(holder.owners.begin(), holder.owners.end(), [&](const Owner& other) {
                return report.process_of(other).pid == ancestor.pid;
            });
        });
    };
    std::stable_sort(holder.owners.begin(), holder.owners.end(),
                     [&](const Owner& left, const Owner& right) { return depth(left) < depth(right); });
}

/// Processes of other users are not even listed (ProtectProc=invisible, hidepid=2): every pid namespace has a
/// process 1.
bool is_proc_partial() {
    return access("/proc/1", F_OK) != 0;
}

OwnerStatus status_without_owner(const Holder& holder, const OwnerSearch& search, const Deadline& deadline,
                                 const Syscalls& syscalls) {
    if (holder.socket.inode == 0) {
        return OwnerStatus::kernel;
    }
    if (!is_still_there(holder.socket, deadline, syscalls)) {
        return OwnerStatus::ended;
    }
    if (search.error != 0 || search.cut_short) {
        return OwnerStatus::not_asked;
    }
    return search.hidden != 0 || is_proc_partial() ? OwnerStatus::not_visible : OwnerStatus::nobody;
}

/// What `portguard who` is given.
std::string asked_word(const Holder& holder) {
    if (!holder.unix_name.empty()) {
        Text<128> name;
        print_unix_name(holder.unix_name, name);
        return std::string(name.view());
    }
    const bool is_udp = holder.socket.protocol == Protocol::udp;
    return (is_udp ? "--udp " : "") + std::to_string(holder.socket.local.port);
}

void tell_unseen_owners(HolderReport& report, const OwnerSearch& search) {
    if (search.error != 0) {
        report.missing.push_back("the owners (/proc: " + describe_errno(search.error) + ")");
    } else if (search.cut_short) {
        report.missing.emplace_back("owners that /proc would have shown (out of time)");
    } else if (std::any_of(report.holders.begin(), report.holders.end(), [](const Holder& holder) {
                   return holder.owner_status == OwnerStatus::not_visible;
               })) {
        report.missing.push_back(geteuid() == 0
                                     ? "owners that are not visible even to root here"
                                     : "owners that are not visible to this user (run `portguard who " +
                                           asked_word(report.holders.front()) + "` as root)");
    }
    if (search.left_out != 0) {
        report.missing.push_back("whether " + std::to_string(search.left_out) +
                                 (search.left_out == 1 ? " more process shares" : " more processes share") +
                                 " it (out of time)");
    }
}

void add_owners(HolderReport& report, const Deadline& deadline, const HolderOptions& options) {
    const Syscalls& syscalls = options.syscalls;
    const auto inodes = owned_inodes(report.holders);
    const OwnerSearch search = find_owners(inodes, hints_of(report.holders, options), deadline, syscalls);
    std::multimap<std::uint32_t, FdOwner> by_inode;
    for (const FdOwner& owner : search.owners) {
        by_inode.emplace(owner.inode, owner);
    }
    std::map<pid_t, std::size_t> known;
    for (Holder& holder : report.holders) {
        const auto [first, last] = by_inode.equal_range(holder.socket.inode);
        for (auto owner = first; owner != last; ++owner) {
            holder.owners.push_back(
                {index_of_process(report, known, owner->second.pid, deadline, syscalls), owner->second.fd});
        }
        sort_parents_first(report, holder);
        holder.owner_status = holder.owners.empty() ? status_without_owner(holder, search, deadline, syscalls)
                                                    : OwnerStatus::found;
    }
    tell_unseen_owners(report, search);
}

void add_flags(HolderReport& report, const Deadline& deadline, const HolderOptions& options) {
    const bool any_listens =
        std::any_of(report.holders.begin(), report.holders.end(),
                    [](const Holder& holder) { return holder.socket.state == SocketState::listen; });
    std::size_t reads = 0;
    std::size_t skipped = 0;
    int last_error = 0;
    for (Holder& holder : report.holders) {
        const bool decides = !any_listens || !yields_to_reuseaddr(holder.socket.state);
        if (holder.owners.empty() || (!decides && !options.accepted_flags)) {
            continue;
        }
        if (reads == most_flag_reads || deadline.passed()) {
            ++skipped;
            continue;
        }
        ++reads;
        const Owner& owner = holder.owners.front();
        const ReuseFlags flags =
            read_reuse_flags(report.process_of(owner).pid, owner.fd, holder.socket.inode, options.syscalls);
        holder.reuseaddr = flags.reuseaddr;
        holder.reuseport = flags.reuseport;
        holder.mptcp = flags.mptcp;
        holder.flags_error = flags.error;
        last_error = flags.error != 0 ? flags.error : last_error;
    }
    if (last_error != 0) {
        report.missing.push_back("SO_REUSEADDR of another's socket (" + describe_errno(last_error) + ")");
    }
    if (skipped != 0) {
        report.missing.push_back("SO_REUSEADDR of " + std::to_string(skipped) + " more sockets");
    }
}

} // namespace

std::string describe_errno(int error) {
    Text<32> name;
    print_errno(error, name);
    return std::string(name.view());
}

void add_details(HolderReport& report, const HolderOptions& options) {
    if (!options.owners || report.holders.empty()) {
        return;
    }
    const Deadline deadline(options.budget);
    add_owners(report, deadline, options);
    if (options.flags) {
        add_flags(report, deadline, options);
    }
}

HolderReport find_holders(const AskedAddress& asked, Protocol protocol, const HolderOptions& options) {
    const Deadline deadline(options.budget);
    HolderReport report = find_conflicts(asked, protocol, options);
    const auto is_bound = [](const Holder& holder) { return holder.socket.state == SocketState::bound; };
    if (options.settles.count() != 0 && std::any_of(report.holders.begin(), report.holders.end(), is_bound)) {
        const std::vector<std::uint32_t> before = owned_inodes(report.holders);
        std::this_thread::sleep_for(options.settles);
        report = find_conflicts(asked, protocol, options);
        std::erase_if(report.holders, [&](const Holder& holder) {
            return is_bound(holder) && !std::binary_search(before.begin(), before.end(), holder.socket.inode);
        });
    }
    HolderOptions rest = options;
    rest.budget = std::chrono::milliseconds(deadline.remaining_ms());
    add_details(report, rest);
    return report;
}

} // namespace portguard
