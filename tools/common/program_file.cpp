#include "tools/common/program_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

/// 0, or the errno with which execve(2) would refuse.
int obstacle_to_execution(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        return errno;
    }
    if (!S_ISREG(status.st_mode)) {
        return EACCES;
    }
    // The effective ids count, as they do for execve(2).
    return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

[[noreturn]] void refuse(const std::string& name, int error, std::string_view where) {
    if (error == ENOENT || error == ENOTDIR) {
        throw Refusal(ExitCode::not_found,
                      "'" + shown(name) + "': there is no such program" + std::string(where));
    }
    throw Refusal(ExitCode::not_executable, "'" + shown(name) +
                                                "' cannot be executed: " + std::strerror(error) +
                                                "; it must be a regular file with execute permission");
}

} // namespace

MappedFile::MappedFile(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat status {};
    if (fd >= 0 && ::fstat(fd, &status) == 0 && status.st_size > 0) {
        const auto size = static_cast<std::size_t>(status.st_size);
        void* const memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (memory != MAP_FAILED) {
            memory_ = memory;
            size_ = size;
        }
    }
    if (fd >= 0) {
        ::close(fd);
    }
}

MappedFile::~MappedFile() {
    if (memory_ != nullptr) {
        ::munmap(memory_, size_);
    }
}

std::string search_path() {
    const char* const path = std::getenv("PATH");
    return path != nullptr ? path : path_without_path;
}

std::string find_program(const std::string& name, std::string_view path) {
    if (name.find('/') != std::string::npos) {
        if (const int error = obstacle_to_execution(name); error != 0) {
            refuse(name, error, "");
        }
        return name;
    }
    std::string_view folders = path;
    int last_error = ENOENT;
    // An empty list is one empty entry: the current directory.
    for (bool more = !name.empty(); more;) {
        more = folders.find(':') != std::string_view::npos;
        const std::string_view folder = next_field(folders, ':');
        std::string candidate = folder.empty() ? "./" + name : std::string(folder) + "/" + name;
        const int error = obstacle_to_execution(candidate);
        if (error == 0) {
            return candidate;
        }
        // As execvp(3): a file that may not be executed is told of only if no other is found.
        last_error = error == EACCES ? EACCES : last_error;
    }
    refuse(name, last_error, " in PATH; name it by its path, or correct PATH");
}

} // namespace portguard::tools
