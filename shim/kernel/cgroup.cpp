#include "kernel/cgroup.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "core/text.h"
#include "kernel/folder.h"
#include "kernel/proc.h"

namespace portguard {
namespace {

/// Version 2 alone, or beside version 1 as systemd mounts it (file-hierarchy of the "hybrid" setup).
constexpr const char* mount_points[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
constexpr std::size_t longest_list = 65536;

class CgroupWalk {
public:
    CgroupWalk(std::span<const std::uint64_t> ids, const Deadline& deadline, const Syscalls& syscalls)
        : wanted_(ids.begin(), ids.end()), deadline_(deadline), syscalls_(syscalls) {}

    std::vector<pid_t> run() {
        for (const char* mount_point : mount_points) {
            struct statfs system {};
            struct stat root {};
            if (statfs(mount_point, &system) == 0 &&
                static_cast<unsigned long>(system.f_type) == CGROUP2_SUPER_MAGIC &&
                stat(mount_point, &root) == 0) {
                look_at(root.st_ino, mount_point);
                return std::move(found_);
            }
        }
        return {};
    }

private:
    void look_at(std::uint64_t id, const std::string& path) {
        const auto place = std::find(wanted_.begin(), wanted_.end(), id);
        if (place != wanted_.end()) {
            wanted_.erase(place);
            read_processes(path + "/cgroup.procs");
        }
        if (!wanted_.empty() && !deadline_.passed()) {
            look_below(path);
        }
    }

    void look_below(const std::string& path) {
        const ScopedFd folder(direct::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), syscalls_);
        if (!folder.valid()) {
            return;
        }
        for_each_entry(folder.get(), [&](const dirent64& entry) {
            const std::string_view name = entry.d_name;
            if (entry.d_type == DT_DIR && name != "." && name != "..") {
                look_at(entry.d_ino, path + "/" + entry.d_name);
            }
            return !wanted_.empty();
        });
    }

    void read_processes(const std::string& path) {
        const auto text = read_text_file(path.c_str(), longest_list, syscalls_);
        std::string_view rest = text.has_value() ? std::string_view(*text) : std::string_view();
        while (!rest.empty()) {
            // 0: a process of another pid namespace.
            const auto pid = parse_number<pid_t>(next_field(rest, '\n'));
            if (pid.value_or(0) > 0) {
                found_.push_back(*pid);
            }
        }
    }

    std::vector<std::uint64_t> wanted_;
    const Deadline& deadline_;
    const Syscalls& syscalls_;
    std::vector<pid_t> found_;
};

} // namespace

std::vector<pid_t> processes_of_cgroups(std::span<const std::uint64_t> ids, const Deadline& deadline,
                                        const Syscalls& syscalls) {
    return ids.empty() ? std::vector<pid_t>() : CgroupWalk(ids, deadline, syscalls).run();
}

} // namespace portguard
