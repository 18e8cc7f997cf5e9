#include "kernel/owner_search.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <limits>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text.h"
#include "kernel/cgroup.h"
#include "kernel/folder.h"
#include "kernel/nearest_first.h"
#include "kernel/proc.h"
#include "kernel/process_fds.h"

namespace portguard {
namespace {

template <typename Values, typename Value>
bool contains(const Values& values, const Value& value) {
    return std::find(values.begin(), values.end(), value) != values.end();
}

enum class Reach : std::uint8_t { none, low, all };

struct Candidate {
    pid_t pid = 0;
    /// Which of its numbers were looked at.
    Reach reach = Reach::none;
    /// Of its low sockets to those that are looked for.
    std::uint32_t distance = infinitely_far;
};

bool is_nearer(const Candidate& one, const Candidate& other) {
    return one.distance < other.distance;
}

class OwnerWalk {
public:
    OwnerWalk(std::span<const std::uint32_t> inodes, const OwnerHints& hints, const Deadline& deadline,
              const Syscalls& syscalls)
        : hints_(hints), question_{inodes, false, deadline, syscalls}, owned_(inodes.size(), false),
          unowned_(inodes.size()) {}

    OwnerSearch run() {
        if (list_processes()) {
            question_.counted = are_fds_counted(question_.syscalls);
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
        const ScopedFd folder(direct::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), question_.syscalls);
        if (!folder.valid()) {
            search_.error = errno;
            return false;
        }
        for_each_number(folder.get(), [&](int pid) {
            unread_.emplace_back().pid = pid;
            return true;
        });
        // A folder without processes is not procfs: a chroot has an empty one.
        search_.error = unread_.empty() ? ENOENT : 0;
        return !unread_.empty();
    }

    /// The processes that `is_likely` says are read next.
    template <typename Predicate>
    std::size_t prefer(Predicate is_likely) {
        const auto end = std::stable_partition(unread_.begin(), unread_.end(),
                                               [&](const Candidate& each) { return is_likely(each.pid); });
        return static_cast<std::size_t>(end - unread_.begin());
    }

    void find_first_owners() {
        const auto likely = processes_of_cgroups(hints_.cgroups, question_.deadline, question_.syscalls);
        search_first(prefer([&](pid_t pid) { return contains(likely, pid); }));
        if (unowned_ != 0 && !hints_.uids.empty()) {
            search_first(prefer([&](pid_t pid) { return is_of_users(pid); }));
        }
        search_first(unread_.size());
    }

    /// In the first `count` of those that are unread.
    void search_first(std::size_t count) {
        look_at_low_fds(count);
        // Read again and in full only if that finds nobody.
        if (is_searching()) {
            std::stable_sort(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(count),
                             is_nearer);
        }
        std::size_t unlimited = std::numeric_limits<std::size_t>::max();
        for (; count != 0 && is_searching(); --count) {
            read_next(unlimited);
        }
    }

    /// The kernel numbers processes and inodes in order, the latter by batches of 1,024 (get_next_ino(),
    /// fs/inode.c), and a server opens its sockets when it starts: who has one of nearly the same number is
    /// it, or started shortly before or after it.
    void look_at_low_fds(std::size_t count) {
        NearestFirst order(count);
        for (std::size_t index = 0; index < count; ++index) {
            if (unread_[index].reach != Reach::none) {
                order.note(index, unread_[index].distance);
            }
        }
        while (is_searching()) {
            const auto index = order.next();
            if (!index.has_value()) {
                return;
            }
            look_at_low_fds_of(unread_[*index]);
            order.note(*index, unread_[*index].distance);
        }
    }

    void look_at_low_fds_of(Candidate& candidate) {
        const std::size_t before = search_.owners.size();
        const FdReading reading = note(candidate.pid, [&] {
            return collect_low_fds(candidate.pid, question_, search_.owners, candidate.distance);
        });
        candidate.reach = reading == FdReading::partly ? Reach::low : Reach::all;
        if (candidate.reach != Reach::low || unowned_ == 0) {
            return;
        }
        // Who has one of them has the others as well, a listener and what it has accepted; who has what was
        // opened just before or after may have it beyond the low ones.
        std::size_t most = hints_.whole_owners ? std::numeric_limits<std::size_t>::max() : 0;
        if (search_.owners.size() == before) {
            most = candidate.distance <= near ? few : 0;
        }
        if (most != 0) {
            read_all(candidate, most);
        }
    }

    bool is_searching() {
        search_.cut_short = unowned_ != 0 && question_.deadline.passed();
        return unowned_ != 0 && !search_.cut_short;
    }

    /// Who may have inherited it.
    void find_other_owners() {
        std::size_t left = hints_.most_others;
        const bool is_limited = left != std::numeric_limits<std::size_t>::max();
        while (!unread_.empty() && left != 0 && !question_.deadline.passed()) {
            if (is_limited && !new_owners_.empty()) {
                prefer_relatives(new_owners_.front());
                new_owners_.pop_front();
            } else {
                read_next(left);
            }
        }
        unread_.insert(unread_.end(), too_large_.begin(), too_large_.end());
        if (hints_.most_others != 0) {
            look_at_same_numbers();
        }
        const auto left_out = std::count_if(unread_.begin(), unread_.end(),
                                            [](const Candidate& each) { return each.reach != Reach::all; });
        search_.left_out = search_.cut_short ? 0 : static_cast<unsigned>(left_out);
    }

    void prefer_relatives(pid_t owner) {
        // getsid(2) costs a fiftieth of what reading it from /proc does.
        const pid_t session = getsid(owner);
        if (!contains(preferred_sessions_, session)) {
            preferred_sessions_.push_back(session);
            prefer([&](pid_t pid) { return getsid(pid) == session; });
        }
        auto relatives = children_of(owner, question_.syscalls);
        relatives.push_back(read_status(owner, question_.syscalls).value_or(ProcessStatus{}).parent);
        // Of itself, only the low ones may have been read.
        relatives.push_back(owner);
        prefer([&](pid_t pid) { return contains(relatives, pid); });
    }

    void look_at_same_numbers() {
        std::vector<FdOwner> first;
        for (const FdOwner& owner : search_.owners) {
            const auto is_like = [&owner](const FdOwner& each) {
                return each.fd == owner.fd && each.inode == owner.inode;
            };
            if (first.size() < most_numbers && std::none_of(first.begin(), first.end(), is_like)) {
                first.push_back(owner);
            }
        }
        while (!unread_.empty() && !question_.deadline.passed()) {
            const Candidate candidate = unread_.front();
            unread_.pop_front();
            for (const FdOwner& owner : first) {
                const bool was_read =
                    candidate.reach == Reach::all || (candidate.reach == Reach::low && is_low_fd(owner.fd));
                if (!was_read && look_at_same_number(owner, candidate.pid) == FdReading::hidden) {
                    ++search_.hidden;
                    break;
                }
            }
        }
    }

    FdReading look_at_same_number(const FdOwner& owner, pid_t pid) {
        const auto compared =
            hints_.compares ? compare_fd(owner, pid, search_.owners) : std::optional<FdReading>();
        return compared.has_value() ? *compared : collect_fd(pid, owner.fd, question_, search_.owners);
    }

    bool is_of_users(pid_t pid) const {
        struct stat file {};
        return stat(ProcPath(pid, "").c_str(), &file) == 0 && contains(hints_.uids, file.st_uid);
    }

    void read_next(std::size_t& left) {
        Candidate next = unread_.front();
        unread_.pop_front();
        if (next.reach != Reach::all && read_all(next, left) == FdReading::too_many) {
            too_large_.push_back(next);
        }
    }

    FdReading read_all(Candidate& candidate, std::size_t& left) {
        const FdReading reading = note(candidate.pid, [&] {
            return collect_fds(candidate.pid, candidate.reach == Reach::low, question_, left, search_.owners);
        });
        candidate.reach = reading == FdReading::too_many ? candidate.reach : Reach::all;
        return reading;
    }

    /// Notes what came of reading `pid`.
    template <typename Read>
    FdReading note(pid_t pid, Read read) {
        const std::size_t before = search_.owners.size();
        const FdReading reading = read();
        search_.hidden += reading == FdReading::hidden ? 1 : 0;
        for (std::size_t index = before; index < search_.owners.size(); ++index) {
            note_owner(search_.owners[index].inode);
        }
        if (search_.owners.size() != before && !contains(new_owners_, pid)) {
            new_owners_.push_back(pid);
        }
        return reading;
    }

    void note_owner(std::uint32_t inode) {
        const auto place = std::lower_bound(question_.inodes.begin(), question_.inodes.end(), inode);
        const auto index = static_cast<std::size_t>(place - question_.inodes.begin());
        unowned_ -= owned_[index] ? 0 : 1;
        owned_[index] = true;
    }

    static constexpr std::size_t most_numbers = 4;
    static constexpr std::uint32_t near = 32;
    static constexpr std::size_t few = 64;

    const OwnerHints& hints_;
    FdQuestion question_;
    std::vector<bool> owned_;
    std::size_t unowned_;
    /// In the order in which they will be read.
    std::deque<Candidate> unread_;
    std::vector<Candidate> too_large_;
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
