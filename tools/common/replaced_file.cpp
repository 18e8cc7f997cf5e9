#include "tools/common/replaced_file.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

#include "kernel/syscalls.h"

namespace portguard::tools {
namespace {

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

} // namespace

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

int write_replacing(const std::string& path, std::string_view text, mode_t mode) {
    std::string beside = path + ".XXXXXX";
    const Syscalls syscalls;
    const ScopedFd file(::mkostemp(beside.data(), O_CLOEXEC), syscalls);
    if (!file.valid()) {
        return errno;
    }
    // Else the name may outlive a loss of power, and the text not.
    if (!write_all(file.get(), text) || ::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0 ||
        ::rename(beside.c_str(), path.c_str()) != 0) {
        const int error = errno;
        ::unlink(beside.c_str());
        return error;
    }
    return 0;
}

} // namespace portguard::tools
