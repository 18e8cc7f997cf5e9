#include "tools/events/outlets.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

[[noreturn]] void refuse(ExitCode code, const std::string& path) {
    throw Refusal(code, "the report '" + shown(path) + "' cannot be written: " + std::strerror(errno) +
                            "; name a file in a folder that is there and yours");
}

} // namespace

void ReportFiles::File::open(const std::string* name) {
    if (name == nullptr) {
        return;
    }
    path = *name;
    if (path == "-") {
        fd = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
        return;
    }
    fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        refuse(ExitCode::usage, path);
    }
}

void ReportFiles::File::write(const std::string& text) const {
    if (fd < 0) {
        return;
    }
    std::string_view rest = text;
    while (!rest.empty()) {
        const ssize_t count = ::write(fd, rest.data(), rest.size());
        if (count < 0 && errno != EINTR) {
            refuse(ExitCode::failure, path);
        }
        rest.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
    }
}

ReportFiles::ReportFiles(const Arguments& arguments) {
    junit_.open(arguments.value(junit_parameter.name));
    html_.open(arguments.value(html_parameter.name));
}

ReportFiles::~ReportFiles() {
    for (const int fd : {junit_.fd, html_.fd}) {
        if (fd >= 0) {
            ::close(fd);
        }
    }
}

bool ReportFiles::take_stdout() const {
    return junit_.path == "-" || html_.path == "-";
}

void ReportFiles::write(const EventReport& report) const {
    if (junit_.fd >= 0) {
        junit_.write(events_junit(report));
    }
    if (html_.fd >= 0) {
        html_.write(events_html(report));
    }
}

} // namespace portguard::tools
