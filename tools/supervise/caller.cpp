#include "tools/supervise/caller.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/hash.h"
#include "tools/supervise/worn_rights.h"

namespace portguard::tools {
namespace {

/// Linux 6.9 (linux/pidfd.h): a thread that does not lead its process.
constexpr unsigned pidfd_thread = O_EXCL;

/// Linux 6.13 (linux/pidfd.h), newer than the headers of the distributions that build this.
struct PidfdInfo {
    std::uint64_t mask;
    std::uint64_t cgroup;
    std::uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    std::int32_t exit_code;
};
constexpr unsigned long pidfd_get_info = _IOWR(0xff, 11, PidfdInfo);
constexpr std::uint64_t info_credentials = 2;
constexpr std::uint64_t info_cgroup = 4;

int open_pidfd(pid_t pid, unsigned flags) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, flags));
}

std::string text_of(pid_t pid, std::string_view leaf) {
    constexpr std::size_t most = 65536;
    return read_text_file(ProcPath(pid, leaf).c_str(), most, Syscalls{}).value_or(std::string());
}

/// The value of "Name:\t..." in /proc/PID/status, by column.
unsigned long number_in(std::string_view status, std::string_view name, unsigned column) {
    const std::size_t at = status.find(name);
    if (at == std::string_view::npos) {
        return 0;
    }
    const char* position = status.data() + at + name.size();
    unsigned long value = 0;
    for (unsigned index = 0; index <= column; ++index) {
        char* end = nullptr;
        value = std::strtoul(position, &end, 10);
        position = end;
    }
    return value;
}

ino_t inode_of(pid_t pid, std::string_view leaf) {
    struct stat about {};
    return ::stat(ProcPath(pid, leaf).c_str(), &about) == 0 ? about.st_ino : 0;
}

/// Whether the kernel's modules label processes at all is settled before any starts.
bool has_labels() {
    static const bool labelled = !text_of(::getpid(), "attr/current").empty();
    return labelled;
}

} // namespace

FileIdentity identity_of(const char* path) {
    struct stat about {};
    return ::stat(path, &about) == 0 ? FileIdentity{about.st_dev, about.st_ino} : FileIdentity{};
}

Caller::Caller(pid_t tid, bool is_foreign, CallerCache* cache)
    : tid_(tid), is_foreign_(is_foreign), descriptor_(-1), cache_(cache) {
    if (cache_ != nullptr) {
        const CallerCache::Kept kept = cache_->take(tid);
        descriptor_ = kept.descriptor;
        network_ = kept.network;
    }
    if (descriptor_ >= 0 && ask_info()) {
        return;
    }
    if (descriptor_ >= 0) {
        ::close(descriptor_);
        network_ = 0;
    }
    descriptor_ = open_pidfd(tid, pidfd_thread);
    if (descriptor_ < 0 && errno == EINVAL) {
        is_of_thread_ = false;
        descriptor_ = open_pidfd(pid(), 0);
    }
    ask_info();
}

Caller::~Caller() {
    if (cache_ != nullptr && has_info_) {
        cache_->put({tid_, descriptor_, network_});
    } else if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

pid_t Caller::pid() const {
    const auto pid = static_cast<pid_t>(number_in(text_of(tid_, "status"), "\nTgid:", 0));
    return pid > 0 ? pid : tid_;
}

std::string Caller::program_name() const {
    const std::vector<std::string> words = parse_command_line(text_of(tid_, "cmdline"));
    if (!words.empty() && !words.front().empty()) {
        // A title that was written over them (nginx, Chromium): behind its last slash may be anything.
        const bool is_title = words.front().find(' ') != std::string::npos;
        const std::string file = is_title ? read_link_of(tid_, "exe") : std::string();
        const std::string_view name = base_name(file.empty() ? words.front() : file);
        return std::string(name.substr(0, name.find(" (deleted)")));
    }
    std::string name = text_of(tid_, "comm");
    name.resize(name.find_last_not_of('\n') + 1);
    return name;
}

FileIdentity Caller::program_file() const {
    return identity_of(ProcPath(tid_, "exe").c_str());
}

int Caller::borrow(int fd) const {
    // SYS_pidfd_getfd is of glibc 2.32 and later.
    const int borrowed = static_cast<int>(::syscall(__NR_pidfd_getfd, descriptor_, fd, 0));
    if (borrowed < 0 || is_of_thread_) {
        return borrowed;
    }
    // A thread may have a table of its own (H68), and this was its process's.
    struct stat mine {};
    struct stat its {};
    if (::fstat(borrowed, &mine) == 0 && ::stat(path_of(fd).c_str(), &its) == 0 &&
        mine.st_ino == its.st_ino) {
        return borrowed;
    }
    ::close(borrowed);
    errno = EBADF;
    return -1;
}

ProcPath Caller::path_of(int fd) const {
    Text<32> leaf;
    leaf.add("fd/").add_number(static_cast<std::uint64_t>(fd));
    return {tid_, leaf.view()};
}

bool Caller::ask_info() {
    PidfdInfo info{};
    info.mask = info_credentials | info_cgroup;
    if (!is_of_thread_ || ::ioctl(descriptor_, pidfd_get_info, &info) != 0 ||
        (info.mask & info_credentials) == 0 || (info.mask & info_cgroup) == 0) {
        return false;
    }
    info_.fs_uid = info.fsuid;
    info_.fs_gid = info.fsgid;
    info_.cgroup = info.cgroup;
    has_info_ = true;
    return true;
}

bool Caller::read_surroundings_by_text(Surroundings& surroundings) const {
    constexpr unsigned file_system_column = 3;
    const std::string status = text_of(tid_, "status");
    const std::string cgroup = text_of(tid_, "cgroup");
    surroundings.fs_uid = static_cast<uid_t>(number_in(status, "\nUid:", file_system_column));
    surroundings.fs_gid = static_cast<gid_t>(number_in(status, "\nGid:", file_system_column));
    surroundings.cgroup = Fnv1a().add(cgroup.data(), cgroup.size()).value();
    return !status.empty() && !cgroup.empty();
}

bool Caller::read_surroundings(Surroundings& surroundings) const {
    surroundings = info_;
    if (!has_info_ && !read_surroundings_by_text(surroundings)) {
        return false;
    }
    if (network_ == 0) {
        network_ = inode_of(tid_, "ns/net");
    }
    if (network_ == 0) {
        // Without CAP_SYS_PTRACE, /proc shows it to the thread's own user.
        Surroundings own;
        own.fs_uid = ::geteuid();
        own.fs_gid = ::getegid();
        const UnderIdsOf ids(surroundings, own);
        network_ = inode_of(tid_, "ns/net");
    }
    surroundings.network = network_;
    if (has_labels()) {
        surroundings.label = text_of(tid_, "attr/current");
    }
    return surroundings.network != 0;
}

bool Caller::may_bind_low_ports() const {
    const auto status = read_status(tid_, Syscalls{});
    // What it may do in a user namespace of its own, it may not do in the network of another.
    return status.has_value() && status->has_effective(CAP_NET_BIND_SERVICE) &&
           inode_of(tid_, "ns/user") == inode_of(::getpid(), "ns/user");
}

bool read_memory_of(pid_t tid, std::uint64_t address, void* into, std::size_t size) {
    const auto wanted = static_cast<ssize_t>(size);
    const iovec here{into, size};
    const iovec there{reinterpret_cast<void*>(static_cast<std::uintptr_t>(address)), size};
    if (::process_vm_readv(tid, &here, 1, &there, 1, 0) == wanted) {
        return true;
    }
    if (!is_borrowing_forbidden(errno)) {
        return false;
    }
    // A filter knows the call by its number, and this way by none. It asks for the ids of the file system.
    const int fd = ::open(ProcPath(tid, "mem").c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    const bool is_read = ::pread(fd, into, size, static_cast<off_t>(address)) == wanted;
    ::close(fd);
    return is_read;
}

Surroundings own_surroundings() {
    Surroundings own;
    static_cast<void>(Caller(static_cast<pid_t>(::syscall(SYS_gettid)), false).read_surroundings(own));
    return own;
}

} // namespace portguard::tools
