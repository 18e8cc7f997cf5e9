#include "tools/common/writable_log.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log_path.h"
#include "core/options.h"
#include "kernel/log_file.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

using log_writer::Distrust;
using log_writer::LogFolder;

std::string failure(const char* what, int error) {
    return std::string(what) + ": " + std::strerror(error);
}

std::string why_not_entered(const LogFolder& folder) {
    const std::string reached(folder.reached);
    struct stat status {};
    if (folder.is_public && ::lstat(reached.c_str(), &status) == 0 && S_ISLNK(status.st_mode)) {
        return "goes through the link '" + shown(reached) + "' where everybody may make one";
    }
    const int error = static_cast<int>(-folder.fd);
    return failure(error == ENOENT ? "cannot be made" : "cannot be written", error);
}

/// Empty: `folder` would let the name be made.
std::string why_not_made(int folder) {
    return ::faccessat(folder, ".", W_OK | X_OK, 0) == 0 ? "" : failure("cannot be made", errno);
}

/// Empty: the name in `folder` would be written to.
std::string why_unwritable_in(int folder, const char* name) {
    if (*name == '\0') {
        return std::string(log_writer::words_for(Distrust::kind));
    }
    struct stat status {};
    if (::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? why_not_made(folder) : failure("cannot be written", errno);
    }
    // Root may be about to become the user whose file it is.
    const uid_t user = ::geteuid() == 0 ? status.st_uid : ::geteuid();
    if (const Distrust distrust = log_writer::distrust_of(status, user); distrust != Distrust::none) {
        return std::string(log_writer::words_for(distrust));
    }
    return ::faccessat(folder, name, W_OK, 0) == 0 ? "" : failure("cannot be written", errno);
}

/// Empty: it would be written to. `path` has its NUL.
std::string why_unwritable(std::string_view path) {
    const LogFolder folder = log_writer::open_log_folder(path);
    if (folder.fd < 0) {
        return why_not_entered(folder);
    }
    const int fd = static_cast<int>(folder.fd);
    std::string reason = why_unwritable_in(fd, folder.name.data());
    ::close(fd);
    return reason;
}

bool is_of_command_line(const Draft& draft, std::string_view option) {
    return draft.places[find_option(option)].origin == Origin::command_line;
}

} // namespace

void refuse_log(const std::string& option, const std::string& path, const std::string& reason) {
    throw Refusal(ExitCode::usage, "the " + option + " '" + shown(path) + "' " + reason + "; --" + option +
                                       "=file:PATH names another, in a folder that is there and yours");
}

void require_writable(const std::string& option, const std::string& path) {
    Text<log_path_capacity> expanded;
    print_log_path(path, static_cast<std::uint64_t>(::getpid()), expanded);
    expanded.add('\0');
    if (expanded.truncated()) {
        refuse_log(option, path,
                   "is longer than " + std::to_string(log_path_capacity - 1) + " bytes with the pid in it");
    }
    if (const std::string reason = why_unwritable(expanded.view()); !reason.empty()) {
        refuse_log(option, path, reason);
    }
}

void require_writable_logs(const Draft& draft) {
    if (draft.config.mode == Mode::off || draft.config.diagnosis == Diagnosis::off) {
        return;
    }
    const LogTarget& log = draft.config.log;
    if (log.kind == LogKind::file && is_of_command_line(draft, "log")) {
        require_writable("log", log.path);
    }
    const std::string record = draft.config.record;
    if (!record.empty() && is_of_command_line(draft, "record")) {
        require_writable("record", record);
    }
}

} // namespace portguard::tools
