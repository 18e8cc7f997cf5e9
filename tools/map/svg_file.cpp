#include "tools/map/svg.h"

#include <cerrno>
#include <cstring>

#include <sys/stat.h>

#include "tools/common/output.h"
#include "tools/common/refusal.h"
#include "tools/common/replaced_file.h"

namespace portguard::tools {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
    throw Refusal(ExitCode::usage, "svg=" + shown(path) + ": " + why);
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

/// As a shell's `>` would make it; umask(2) can only be read by setting it.
mode_t mode_of_new_file() {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return 0666U & ~mask;
}

} // namespace

void replace_file(const std::string& path, std::string_view text) {
    require_plain_file(path);
    if (const int error = write_replacing(path, text, mode_of_new_file()); error != 0) {
        refuse(path, reason_of(path, error));
    }
}

} // namespace portguard::tools
