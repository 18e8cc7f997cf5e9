#include "tools/check/namespaces.h"

#include <algorithm>
#include <cerrno>
#include <exception>

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "explain/manager.h"
#include "kernel/folder.h"
#include "kernel/proc.h"
#include "kernel/syscalls.h"
#include "tools/common/output.h"

namespace portguard::tools {
namespace {

constexpr const char* own_path = "/proc/thread-self/ns/net";
constexpr const char* named_folder = "/run/netns";

bool is_known(const std::vector<NetworkNamespace>& found, std::uint64_t inode) {
    return std::any_of(found.begin(), found.end(),
                       [inode](const NetworkNamespace& place) { return place.inode == inode; });
}

void add_of_processes(std::uint64_t own, NamespaceSearch& search) {
    const Syscalls syscalls;
    const ScopedFd folder(direct::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), syscalls);
    for_each_number(folder.get(), [&](int pid) {
        errno = 0;
        const auto inode = netns_of(pid);
        // Of a process that has ended nothing is hidden.
        search.hidden += !inode.has_value() && (errno == EACCES || errno == EPERM) ? 1 : 0;
        if (inode.has_value() && *inode != own && !is_known(search.found, *inode)) {
            search.found.push_back({*inode, pid});
        }
        return true;
    });
}

/// A file there that is no longer mounted upon has the inode of another filesystem.
void add_named(const struct stat& own, NamespaceSearch& search) {
    const Syscalls syscalls;
    const ScopedFd folder(direct::open(named_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), syscalls);
    for_each_entry(folder.get(), [&](const dirent64& entry) {
        struct stat file {};
        if (fstatat(folder.get(), entry.d_name, &file, 0) != 0 || file.st_dev != own.st_dev ||
            file.st_ino == own.st_ino) {
            return true;
        }
        const auto place =
            std::find_if(search.found.begin(), search.found.end(),
                         [&](const NetworkNamespace& known) { return known.inode == file.st_ino; });
        if (place != search.found.end()) {
            place->name = entry.d_name;
        } else {
            search.found.push_back({file.st_ino, 0, entry.d_name});
        }
        return true;
    });
}

} // namespace

std::string NetworkNamespace::path() const {
    return pid != 0 ? "/proc/" + std::to_string(pid) + "/ns/net" : named_folder + ("/" + name);
}

std::string NetworkNamespace::value() const {
    return pid != 0 ? std::to_string(pid) : name;
}

std::string NetworkNamespace::in_words() const {
    std::string words = name.empty() ? "" : "'" + shown(name) + "'";
    const auto add = [&words](const std::string& part) {
        words += (words.empty() || part.empty() ? "" : ", ") + part;
    };
    if (pid != 0) {
        add(describe_manager(read_manager(pid)));
        const auto status = read_status(pid, Syscalls{});
        add((status.has_value() ? shown(status->name) : "") + "[" + std::to_string(pid) + "]");
    }
    return words;
}

NamespaceSearch find_namespaces() {
    NamespaceSearch search;
    struct stat own {};
    if (stat(own_path, &own) == 0) {
        add_of_processes(own.st_ino, search);
        add_named(own, search);
    }
    return search;
}

VisitedNamespace::VisitedNamespace(const NetworkNamespace& place) {
    own_ = ::open(own_path, O_RDONLY | O_CLOEXEC);
    const int target = own_ < 0 ? -1 : ::open(place.path().c_str(), O_RDONLY | O_CLOEXEC);
    // Back first: whoever may not return may not go.
    const bool entered = target >= 0 && setns(own_, CLONE_NEWNET) == 0 && setns(target, CLONE_NEWNET) == 0;
    error_ = entered ? 0 : errno;
    if (target >= 0) {
        ::close(target);
    }
    if (entered && own_netns() != place.inode) {
        // The process has ended, and another has its number.
        error_ = ENOENT;
    }
}

VisitedNamespace::~VisitedNamespace() {
    if (own_ < 0) {
        return;
    }
    if (setns(own_, CLONE_NEWNET) != 0 && error_ == 0) {
        // What is asked from here on would be said of the wrong namespace.
        std::terminate();
    }
    ::close(own_);
}

} // namespace portguard::tools
