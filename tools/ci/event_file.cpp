#include "tools/ci/event_file.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/output.h"
#include "tools/common/refusal.h"
#include "tools/common/writable_log.h"

namespace portguard::tools {
namespace {

constexpr std::string_view file_prefix = "file:";

std::string new_file() {
    const char* const folder = std::getenv("TMPDIR");
    std::string name =
        std::filesystem::absolute(folder == nullptr || *folder == '\0' ? "/tmp" : folder).string() +
        "/portguard-ci-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
        refuse_log("log", name, std::string("cannot be made: ") + std::strerror(errno));
    }
    return name + "/events.log";
}

std::string given_file(const std::string& value) {
    if (!value.starts_with(file_prefix) || value.size() == file_prefix.size()) {
        throw Refusal(ExitCode::usage, "--log=" + shown(value) +
                                           ": the events of the run are read from a file; --log=file:PATH "
                                           "names one");
    }
    const std::string path = value.substr(file_prefix.size());
    if (path.find("%p") != std::string::npos) {
        refuse_log("log", path, "would be one for each process, and a run has one");
    }
    return std::filesystem::absolute(path).string();
}

/// Makes it, so that all processes find the same.
void make_file(const std::string& path) {
    require_writable("log", path);
    const int fd =
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
    if (fd < 0) {
        refuse_log("log", path, std::string("cannot be written: ") + std::strerror(errno));
    }
    struct stat status {};
    ::fstat(fd, &status);
    ::close(fd);
    if (!S_ISREG(status.st_mode)) {
        refuse_log("log", path, "is not a regular file, which could be read once the run is over");
    }
}

std::vector<std::string> read_log(const std::string& path, const std::function<void(LoggedEvent)>& take) {
    const std::array files{path};
    return read_event_logs(files, take);
}

} // namespace

EventFile::EventFile(const Arguments& arguments) {
    const std::string* const given = arguments.value("log");
    is_temporary_ = given == nullptr;
    path_ = is_temporary_ ? new_file() : given_file(*given);
    make_file(path_);
    read_log(path_, [this](const LoggedEvent&) { ++earlier_; });
}

EventFile::~EventFile() {
    std::error_code error;
    if (is_temporary_ && std::filesystem::file_size(path_, error) == 0 && !error) {
        std::filesystem::remove_all(std::filesystem::path(path_).parent_path(), error);
    }
}

EventReport EventFile::read() const {
    EventReport report;
    Folding folding;
    report.unread = read_log(path_, [&](LoggedEvent event) {
        if (event.number > earlier_) {
            ++report.events;
            folding.add(std::move(event));
        }
    });
    report.failures = folding.failures();
    return report;
}

} // namespace portguard::tools
