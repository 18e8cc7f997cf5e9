#include "tools/repro/network.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "kernel/holders.h"
#include "kernel/syscalls.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

[[noreturn]] void refuse(const std::string& what, int error) {
    throw Refusal(ExitCode::findings,
                  "no private network namespace can be had (" + what + ": " + describe_errno(error) +
                      "): this host keeps users from making user namespaces; root needs none, "
                      "kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0 "
                      "allows it, and so does docker run --security-opt seccomp=unconfined");
}

/// 0, or an errno.
int write_file(const std::string& path, const std::string& text) {
    const Syscalls syscalls;
    const ScopedFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC), syscalls);
    const bool is_written =
        file.valid() && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    return is_written ? 0 : errno;
}

void map_user(uid_t inside, uid_t outside, gid_t group) {
    const std::string whole = " 1";
    // Without this first, an unprivileged writer of gid_map is refused (user_namespaces(7)).
    int error = write_file("/proc/self/setgroups", "deny");
    if (error == 0) {
        error =
            write_file("/proc/self/uid_map", std::to_string(inside) + " " + std::to_string(outside) + whole);
    }
    if (error == 0) {
        error = write_file("/proc/self/gid_map", std::to_string(group) + " " + std::to_string(group) + whole);
    }
    if (error != 0) {
        refuse("uid_map", error);
    }
}

} // namespace

bool enter_private_network(std::optional<uid_t> uid) {
    const uid_t outside = ::geteuid();
    const gid_t group = ::getegid();
    if (::unshare(CLONE_NEWNET) == 0) {
        return true;
    }
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        refuse("unshare", errno);
    }
    map_user(uid.value_or(outside), outside, group);
    return false;
}

void write_setting(std::string_view name, const std::string& value) {
    const std::string path = "/proc/sys/net/" + std::string(name);
    if (const int error = write_file(path, value); error != 0) {
        refuse("write " + path, error);
    }
}

void set_ephemeral_range(PortRange range) {
    write_setting("ipv4/ip_local_port_range", std::to_string(range.low) + " " + std::to_string(range.high));
}

} // namespace portguard::tools
