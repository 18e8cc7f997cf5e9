#include "tools/map/svg.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/syscalls.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
    throw Refusal(ExitCode::usage, "svg=" + shown(path) + ": " + why);
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

/// A rename would put a file in the place of a link or of /dev/null. Nothing there is as good as a file.
void require_plain_file(const std::string& path) {
    struct stat status {};
    if (path.empty() || path.back() == '/') {
        refuse(path, "this is not the name of a file; expected one such as ports.svg");
    }
    if (::lstat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) {
        return;
    }
    refuse(path, S_ISLNK(status.st_mode) ? "this is a symbolic link, which is not followed; use the name "
                                           "of the file that it points to"
                 : S_ISDIR(status.st_mode)
                     ? "this is a folder; use a name in it, such as " + shown(path) + "/ports.svg"
                     : "this is not a file; --svg=- writes to standard output");
}

std::string reason_of(const std::string& path, int error) {
    const std::string folder = shown(folder_of(path));
    switch (error) {
    case ENOENT: return "there is no folder " + folder + "; use one that exists";
    case ENOTDIR: return folder + " is not a folder; use one that exists";
    case EACCES:
    case EPERM:
        return "this user may not make a file in " + folder +
               "; use another folder, or --svg=- for standard output";
    default:
        return std::string("it cannot be written (") + std::strerror(error) +
               "); use another folder, or --svg=- for standard output";
    }
}

/// False: errno says why.
bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(fd, text.data(), text.size());
        if (count < 0 && errno != EINTR) {
            return false;
        }
        text.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
    }
    return true;
}

/// As a shell's `>` would make it; umask(2) can only be read by setting it.
mode_t mode_of_new_file() {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return 0666U & ~mask;
}

} // namespace

void replace_file(const std::string& path, std::string_view text) {
    require_plain_file(path);
    std::string beside = path + ".XXXXXX";
    const Syscalls syscalls;
    const ScopedFd file(::mkostemp(beside.data(), O_CLOEXEC), syscalls);
    if (!file.valid()) {
        refuse(path, reason_of(path, errno));
    }
    if (!write_all(file.get(), text) || ::fchmod(file.get(), mode_of_new_file()) != 0 ||
        ::rename(beside.c_str(), path.c_str()) != 0) {
        const int error = errno;
        ::unlink(beside.c_str());
        refuse(path, reason_of(path, error));
    }
}

} // namespace portguard::tools
