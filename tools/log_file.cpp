#include "tools/log_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

#include "core/log_path.h"
#include "core/options.h"
#include "tools/output.h"
#include "tools/refusal.h"

namespace portguard::tools {
namespace {

namespace fs = std::filesystem;

std::string failure(const char* what) {
    return std::string(what) + ": " + std::strerror(errno);
}

/// The guard follows no link where everybody may make one; empty: there is none on the way.
std::string link_of_everybody(const fs::path& path) {
    std::error_code error;
    fs::path folder;
    for (const fs::path& name : path.parent_path()) {
        const auto permissions = fs::status(folder, error).permissions();
        const bool is_public = !folder.empty() && (permissions & fs::perms::others_write) != fs::perms::none;
        folder /= name;
        if (is_public && fs::is_symlink(folder, error)) {
            return folder.string();
        }
    }
    return {};
}

/// Empty: it would be made.
std::string why_not_made(const fs::path& path) {
    return ::access(path.parent_path().c_str(), W_OK | X_OK) == 0 ? "" : failure("cannot be made");
}

bool belongs_to_others(const struct stat& status) {
    const uid_t user = ::geteuid();
    return (status.st_mode & S_IWOTH) != 0 || (user != 0 && status.st_uid != user && status.st_uid != 0);
}

/// Empty: it would be written to.
std::string why_unwritable(const fs::path& path) {
    if (const std::string link = link_of_everybody(path); !link.empty()) {
        return "goes through the link '" + shown(link) + "' where everybody may make one";
    }
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        return errno == ENOENT ? why_not_made(path) : failure("cannot be written");
    }
    if (S_ISLNK(status.st_mode)) {
        return "is a link, which is not followed";
    }
    if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) {
        return "is neither a plain file nor a FIFO";
    }
    if (status.st_nlink > 1) {
        return "is a second name of another file";
    }
    if (belongs_to_others(status)) {
        return "belongs to somebody else, or everybody may write to it";
    }
    return ::access(path.c_str(), W_OK) == 0 ? "" : failure("cannot be written");
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
    // One byte for the NUL that the guard needs.
    Text<log_path_capacity - 1> expanded;
    print_log_path(path, static_cast<std::uint64_t>(::getpid()), expanded);
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
