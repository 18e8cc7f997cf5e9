#include "tools/common/explain_helper.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/helper_place.h"
#include "tools/common/output.h"
#include "tools/common/preload_list.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

/// What the helper finds as descriptors 2 to 5.
struct Handed {
    int output;
    int snapshot;
    int socket;
    int maps;
};

[[noreturn]] void become(int helper, const Handed& handed) {
    // Above what is handed over, or one would close another.
    constexpr int above = snapshot_memory_fd + 1;
    const std::array kept{
        fcntl(handed.output, F_DUPFD_CLOEXEC, above), fcntl(handed.snapshot, F_DUPFD_CLOEXEC, above),
        fcntl(handed.socket, F_DUPFD_CLOEXEC, above), fcntl(handed.maps, F_DUPFD_CLOEXEC, above)};
    const int file = fcntl(helper, F_DUPFD_CLOEXEC, above);
    dup2(kept[0], STDERR_FILENO);
    dup2(kept[1], snapshot_fd);
    dup2(kept[2], snapshot_socket_fd);
    dup2(kept[3], snapshot_maps_fd);
    const std::array<const char*, 2> arguments{"portguard-explain", nullptr};
    const char* const nothing = nullptr;
    syscall(SYS_execveat, file, "", arguments.data(), &nothing, AT_EMPTY_PATH);
    _exit(static_cast<int>(ExitCode::not_executable));
}

std::string folder_of(const std::string& shim) {
    return shim.substr(0, shim.rfind('/') + 1);
}

/// Empty: there is none.
std::string explainer_beside(const std::string& shim) {
    const std::string folder = folder_of(shim);
    for (const char* const place : helper_places) {
        if (access((folder + place).c_str(), X_OK) == 0) {
            return folder + place;
        }
    }
    return {};
}

std::string contents_of(int fd) {
    std::string text;
    std::array<char, 16384> piece;
    ssize_t length = 0;
    while ((length = pread(fd, piece.data(), piece.size(), static_cast<off_t>(text.size()))) > 0) {
        text.append(piece.data(), static_cast<std::size_t>(length));
    }
    return text;
}

} // namespace

std::string find_explainer() {
    const std::string shim = find_shim();
    std::string found = explainer_beside(shim);
    if (!found.empty()) {
        return found;
    }
    throw Refusal(ExitCode::unreachable,
                  "'" + shown(folder_of(shim) + helper_places[0]) +
                      "', which explains a failed call, is missing; install portguard as a whole");
}

ExplainerPaths find_explainers() {
    const std::string i386_shim = find_i386_shim();
    return {find_explainer(), i386_shim.empty() ? std::string() : explainer_beside(i386_shim)};
}

Explainer::Explainer() : fd_(open(find_explainer().c_str(), O_PATH | O_CLOEXEC)) {
    if (fd_ < 0) {
        throw Refusal(ExitCode::findings, "portguard-explain cannot be opened");
    }
}

Explainer::~Explainer() {
    close(fd_);
}

std::string Explainer::report(const Snapshot& snapshot, int socket) const {
    const Handed handed{memfd_create("report", MFD_CLOEXEC), memfd_create("snapshot", MFD_CLOEXEC), socket,
                        open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
    // A log: other plain files are not written to.
    fcntl(handed.output, F_SETFL, O_APPEND);
    const bool written = pwrite(handed.snapshot, &snapshot, sizeof snapshot, 0) == ssize_t{sizeof snapshot};
    const pid_t child = written ? fork() : -1;
    if (child == 0) {
        become(fd_, handed);
    }
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    std::string text = contents_of(handed.output);
    for (const int fd : {handed.output, handed.snapshot, handed.maps}) {
        close(fd);
    }
    return text;
}

} // namespace portguard::tools
