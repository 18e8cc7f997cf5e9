#include "kernel/owner_search.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text.h"
#include "kernel/cgroup.h"
#include "kernel/folder.h"
#include "kernel/proc.h"
#include "kernel/process_fds.h"

namespace portguard {
namespace {

template <typename Values, typename Value>
bool contains(const Values& values, const Value& value) {
    return std::find(values.begin(), values.end(), value) != values.end();
}

/// Of all threads of `pid` (proc_pid_task_children(5)); empty where the kernel was built without it.
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

class OwnerWalk {
public:
    OwnerWalk(std::span<const std::uint32_t> inodes, const OwnerHints& hints, const Deadline& deadline,
              const Syscalls& syscalls)
        : inodes_(inodes), hints_(hints), deadline_(deadline), syscalls_(syscalls),
          owned_(inodes.size(), false), unowned_(inodes.size()) {}

    OwnerSearch run() {
        if (list_processes()) {
            counted_ = are_fds_counted(syscalls_);
            find_first_owners();
            find_other_owners();
        }
        std::sort(search_.owners.begin(), search_.owners.end(),
                  [](const FdOwner& left, const FdOwner& right) {
                      return left.pid != right.pid ? left.pid < right.pid : left.fd < right.fd;
                  });
        return std::move(search_);
    }

private:
    bool list_processes() {
        const ScopedFd folder(direct::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), syscalls_);
        if (!folder.valid()) {
            search_.error = errno;
            return false;
        }
        for_each_number(folder.get(), [&](int pid) {
            unread_.push_back(pid);
            return true;
        });
        // A folder without processes is not procfs: a chroot has an empty one.
        search_.error = unread_.empty() ? ENOENT : 0;
        return !unread_.empty();
    }

    /// The processes that `is_likely` says are read next.
    template <typename Predicate>
    std::size_t prefer(Predicate is_likely) {
        const auto end = std::stable_partition(unread_.begin(), unread_.end(), is_likely);
        return static_cast<std::size_t>(end - unread_.begin());
    }

    void find_first_owners() {
        std::size_t unlimited = std::numeric_limits<std::size_t>::max();
        const auto likely = processes_of_cgroups(hints_.cgroups, deadline_, syscalls_);
        for (std::size_t of_cgroups = prefer([&](pid_t pid) { return contains(likely, pid); });
             of_cgroups != 0 && unowned_ != 0 && !search_.cut_short; --of_cgroups) {
            read_next(unlimited);
        }
        if (unowned_ != 0 && !hints_.uids.empty()) {
            prefer([&](pid_t pid) { return is_of_users(pid); });
        }
        while (!unread_.empty() && unowned_ != 0 && !search_.cut_short) {
            read_next(unlimited);
        }
    }

    /// Who may have inherited it.
    void find_other_owners() {
        std::size_t left = hints_.most_others;
        const bool is_limited = left != std::numeric_limits<std::size_t>::max();
        while (!unread_.empty() && left != 0 && !deadline_.passed()) {
            if (is_limited && !new_owners_.empty()) {
                prefer_relatives(new_owners_.front());
                new_owners_.pop_front();
            } else {
                read_next(left);
            }
        }
        search_.left_out += search_.cut_short ? 0 : static_cast<unsigned>(unread_.size());
    }

    void prefer_relatives(pid_t owner) {
        // getsid(2) costs a fiftieth of what reading it from /proc does.
        const pid_t session = getsid(owner);
        if (!contains(preferred_sessions_, session)) {
            preferred_sessions_.push_back(session);
            prefer([&](pid_t pid) { return getsid(pid) == session; });
        }
        auto relatives = children_of(owner, syscalls_);
        relatives.push_back(read_status(owner, syscalls_).value_or(ProcessStatus{}).parent);
        prefer([&](pid_t pid) { return contains(relatives, pid); });
    }

    bool is_of_users(pid_t pid) const {
        struct stat file {};
        return stat(ProcPath(pid, "").c_str(), &file) == 0 && contains(hints_.uids, file.st_uid);
    }

    void read_next(std::size_t& left) {
        search_.cut_short = deadline_.passed();
        if (search_.cut_short) {
            return;
        }
        const pid_t pid = unread_.front();
        unread_.pop_front();
        const std::size_t before = search_.owners.size();
        const FdReading reading =
            collect_fds(pid, inodes_, counted_, left, deadline_, syscalls_, search_.owners);
        search_.hidden += reading == FdReading::hidden ? 1 : 0;
        search_.left_out += reading == FdReading::too_many ? 1 : 0;
        for (std::size_t index = before; index < search_.owners.size(); ++index) {
            note_owner(search_.owners[index].inode);
        }
        if (search_.owners.size() != before) {
            new_owners_.push_back(pid);
        }
    }

    void note_owner(std::uint32_t inode) {
        const auto place = std::lower_bound(inodes_.begin(), inodes_.end(), inode);
        const auto index = static_cast<std::size_t>(place - inodes_.begin());
        unowned_ -= owned_[index] ? 0 : 1;
        owned_[index] = true;
    }

    std::span<const std::uint32_t> inodes_;
    const OwnerHints& hints_;
    const Deadline& deadline_;
    const Syscalls& syscalls_;
    std::vector<bool> owned_;
    std::size_t unowned_;
    bool counted_ = false;
    /// In the order in which they will be read.
    std::deque<pid_t> unread_;
    std::deque<pid_t> new_owners_;
    std::vector<pid_t> preferred_sessions_;
    OwnerSearch search_;
};

} // namespace

OwnerSearch find_owners(std::span<const std::uint32_t> inodes, const OwnerHints& hints,
                        const Deadline& deadline, const Syscalls& syscalls) {
    return inodes.empty() ? OwnerSearch{} : OwnerWalk(inodes, hints, deadline, syscalls).run();
}

} // namespace portguard
