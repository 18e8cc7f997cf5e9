#include "core/errno_name.h"

#include <array>
#include <cerrno>

namespace portguard {
namespace {

/// The name in place, not by a pointer: those are relocated in every exec.
struct ErrnoName {
    int value;
    char name[16];
};

// Not std::array without its arguments: GCC 12 puts what it deduces among what may be written.
constexpr ErrnoName errno_names[] = {
    ErrnoName{EPERM, "EPERM"},
    ErrnoName{ENOENT, "ENOENT"},
    ErrnoName{ESRCH, "ESRCH"},
    ErrnoName{EINTR, "EINTR"},
    ErrnoName{EBADF, "EBADF"},
    ErrnoName{EAGAIN, "EAGAIN"},
    ErrnoName{ENOMEM, "ENOMEM"},
    ErrnoName{EACCES, "EACCES"},
    ErrnoName{EFAULT, "EFAULT"},
    ErrnoName{ENODEV, "ENODEV"},
    ErrnoName{EINVAL, "EINVAL"},
    ErrnoName{ENFILE, "ENFILE"},
    ErrnoName{EMFILE, "EMFILE"},
    ErrnoName{ENOTSOCK, "ENOTSOCK"},
    ErrnoName{ENOPROTOOPT, "ENOPROTOOPT"},
    ErrnoName{EOPNOTSUPP, "EOPNOTSUPP"},
    ErrnoName{EAFNOSUPPORT, "EAFNOSUPPORT"},
    ErrnoName{EIO, "EIO"},
    ErrnoName{ENXIO, "ENXIO"},
    ErrnoName{ENOTDIR, "ENOTDIR"},
    ErrnoName{EFBIG, "EFBIG"},
    ErrnoName{ENOSPC, "ENOSPC"},
    ErrnoName{EROFS, "EROFS"},
    ErrnoName{EPIPE, "EPIPE"},
    ErrnoName{ENAMETOOLONG, "ENAMETOOLONG"},
    ErrnoName{ELOOP, "ELOOP"},
    ErrnoName{EDQUOT, "EDQUOT"},
    ErrnoName{EMSGSIZE, "EMSGSIZE"},
    ErrnoName{EPROTOTYPE, "EPROTOTYPE"},
    ErrnoName{EADDRINUSE, "EADDRINUSE"},
    ErrnoName{EADDRNOTAVAIL, "EADDRNOTAVAIL"},
    ErrnoName{ENETUNREACH, "ENETUNREACH"},
    ErrnoName{ECONNRESET, "ECONNRESET"},
    ErrnoName{ENOBUFS, "ENOBUFS"},
    ErrnoName{EISCONN, "EISCONN"},
    ErrnoName{ECONNREFUSED, "ECONNREFUSED"},
    ErrnoName{EHOSTUNREACH, "EHOSTUNREACH"},
    ErrnoName{ETIMEDOUT, "ETIMEDOUT"},
    ErrnoName{EINPROGRESS, "EINPROGRESS"},
    ErrnoName{ENOSYS, "ENOSYS"},
    ErrnoName{ESTALE, "ESTALE"},
};

} // namespace

std::string_view errno_name(int value) {
    for (const ErrnoName& entry : errno_names) {
        if (entry.value == value) {
            return entry.name;
        }
    }
    return {};
}

std::optional<int> errno_named(std::string_view name) {
    for (const ErrnoName& entry : errno_names) {
        if (entry.name == name) {
            return entry.value;
        }
    }
    return std::nullopt;
}

void print_errno(int error, TextWriter& out) {
    const std::string_view name = errno_name(error);
    out.add(name.empty() ? "errno " : name);
    if (name.empty()) {
        out.add_number(static_cast<std::uint64_t>(error));
    }
}

} // namespace portguard
