#include "tools/common/netns.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "kernel/syscalls.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

[[noreturn]] void refuse(const std::string& value, const std::string& why) {
    throw Refusal(ExitCode::usage, "netns=" + shown(value) + ": " + why);
}

bool is_number(const std::string& text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char digit) { return digit >= '0' && digit <= '9'; });
}

/// As ip-netns(8) keeps them.
std::string path_of(const std::string& value) {
    if (is_number(value)) {
        return "/proc/" + value + "/ns/net";
    }
    if (value.empty() || value.find('/') != std::string::npos || value == "." || value == "..") {
        refuse(value,
               "neither the name of a network namespace nor a process id; `ip netns list` shows the names");
    }
    return "/run/netns/" + value;
}

std::string reason_of_open(const std::string& value, int error) {
    if (error == ENOENT) {
        return is_number(value) ? "there is no such process"
                                : "there is no such network namespace; `ip netns list` shows the names, and "
                                  "the id of a process will do as well";
    }
    if (error == EACCES || error == EPERM) {
        return "this user may not look at it; it works as root";
    }
    return std::strerror(error);
}

/// The owner of a user namespace may enter what belongs to it without any capability of its own: a rootless
/// container.
bool enter_through_user_namespace(const std::string& value, int target) {
    if (!is_number(value)) {
        return false;
    }
    const Syscalls syscalls;
    const std::string path = "/proc/" + value + "/ns/user";
    const ScopedFd user(::open(path.c_str(), O_RDONLY | O_CLOEXEC), syscalls);
    return user.valid() && ::setns(user.get(), CLONE_NEWUSER) == 0 && ::setns(target, CLONE_NEWNET) == 0;
}

} // namespace

void enter_netns(const Arguments& arguments) {
    const std::string* const value = arguments.value(netns_parameter.name);
    if (value == nullptr) {
        return;
    }
    const Syscalls syscalls;
    const ScopedFd target(::open(path_of(*value).c_str(), O_RDONLY | O_CLOEXEC), syscalls);
    if (!target.valid()) {
        refuse(*value, reason_of_open(*value, errno));
    }
    if (::setns(target.get(), CLONE_NEWNET) == 0) {
        return;
    }
    const int error = errno;
    if (error == EPERM && enter_through_user_namespace(*value, target.get())) {
        return;
    }
    refuse(*value, error == EPERM    ? "entering it needs CAP_SYS_ADMIN; it works as root"
                   : error == EINVAL ? "this is not a network namespace; `ip netns list` shows the names"
                                     : std::strerror(error));
}

std::string netns_prefix(const std::string& value) {
    return (is_number(value) ? "nsenter --net --target " : "ip netns exec ") + value + " ";
}

std::string netns_prefix(const Arguments& arguments) {
    const std::string* const value = arguments.value(netns_parameter.name);
    return value == nullptr ? std::string{} : netns_prefix(*value);
}

std::string as_root_prefix(const Arguments& arguments) {
    return (::geteuid() == 0 ? "" : "sudo ") + netns_prefix(arguments);
}

} // namespace portguard::tools
