#include "tools/events/event_log.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/text.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/common/progress.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

constexpr std::size_t chunk = std::size_t{1} << 16;

struct CloseGz {
    void operator()(gzFile file) const { ::gzclose(file); }
};
using GzFile = std::unique_ptr<gzFile_s, CloseGz>;

[[noreturn]] void refuse(const std::string& file, const char* reason) {
    throw Refusal(ExitCode::usage,
                  "the log '" + shown(file) + "' cannot be read: " + reason + "; `log=file:PATH` writes one");
}

bool is_same_file(const struct stat& left, const struct stat& right) {
    return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

/// How far a file has been read, said each second: a log of a week takes some.
class ReadingProgress {
public:
    ReadingProgress(std::string file, int fd) : file_(std::move(file)) {
        struct stat status {};
        total_ = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? status.st_size : 0;
    }

    void say(gzFile log) {
        const auto now = Clock::now();
        if (now < next_) {
            return;
        }
        next_ = now + std::chrono::seconds(1);
        constexpr off_t megabyte = 1'000'000;
        progress_.say("portguard: reading " + shown(file_) + ", " +
                      std::to_string(::gzoffset(log) / megabyte) +
                      (total_ != 0 ? " of " + std::to_string(total_ / megabyte) : "") + " MB");
    }

private:
    using Clock = std::chrono::steady_clock;

    std::string file_;
    off_t total_ = 0;
    Progress progress_;
    Clock::time_point next_ = Clock::now() + std::chrono::seconds(1);
};

} // namespace

int open_log(const std::string& file) {
    return file == standard_input_name ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                       : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
}

LogReader::LogReader(std::string file, int fd, std::uint64_t& events, const TakeEvent& take)
    : file_(std::move(file)), fd_(fd), events_(events), take_(take), entries_(instant_now()) {
    if (fd_ < 0) {
        refuse(file_, std::strerror(errno));
    }
}

LogReader::~LogReader() {
    ::close(fd_);
}

/// Plain files are passed through by zlib as they are, and the file's position is then at their end.
void LogReader::read_file() {
    const GzFile log(::gzdopen(::fcntl(fd_, F_DUPFD_CLOEXEC, 0), "rb"));
    if (log == nullptr) {
        refuse(file_, std::strerror(ENOMEM));
    }
    std::string buffer(chunk, '\0');
    ReadingProgress progress(file_, fd_);
    int count = 0;
    while ((count = ::gzread(log.get(), buffer.data(), static_cast<unsigned>(buffer.size()))) > 0) {
        take_bytes({buffer.data(), static_cast<std::size_t>(count)});
        progress.say(log.get());
    }
    int error = Z_OK;
    const char* const words = ::gzerror(log.get(), &error);
    const std::string reason = error == Z_ERRNO ? std::strerror(errno) : words;
    if (error == Z_ERRNO && number_ == 0 && line_.empty()) {
        refuse(file_, reason.c_str());
    }
    if (error != Z_OK && error != Z_STREAM_END) {
        line_.clear();
        too_long_ = false;
        early_end_ = error == Z_BUF_ERROR ? "the compressed data is cut off here"
                                          : "nothing more can be read: " + shown(reason);
    }
}

bool LogReader::read_more() {
    std::array<char, chunk> buffer{};
    ssize_t count = 0;
    do {
        count = ::read(fd_, buffer.data(), buffer.size());
    } while (count < 0 && errno == EINTR);
    if (count <= 0) {
        return false;
    }
    take_bytes({buffer.data(), static_cast<std::size_t>(count)});
    return true;
}

bool LogReader::is_file() const {
    struct stat status {};
    return ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
}

void LogReader::follow_name() {
    struct stat mine {};
    struct stat named {};
    if (::fstat(fd_, &mine) != 0 || ::stat(file_.c_str(), &named) != 0) {
        return;
    }
    if (!is_same_file(mine, named)) {
        const int fd = open_log(file_);
        if (fd >= 0) {
            end();
            ::close(fd_);
            fd_ = fd;
        }
    } else if (mine.st_size < ::lseek(fd_, 0, SEEK_CUR)) {
        // Emptied, as copytruncate of logrotate(8) does.
        end();
        ::lseek(fd_, 0, SEEK_SET);
    }
}

void LogReader::take_bytes(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t newline = bytes.find('\n');
        const std::string_view part = bytes.substr(0, newline);
        too_long_ = too_long_ || line_.size() + part.size() > longest_line;
        line_.append(too_long_ ? std::string_view() : part);
        if (newline == std::string_view::npos) {
            return;
        }
        end_line();
        bytes.remove_prefix(newline + 1);
    }
}

void LogReader::end_line() {
    ++number_;
    if (too_long_) {
        complain("the line is longer than " + std::to_string(longest_line) + " bytes");
    } else if (!trimmed(line_).empty()) {
        take_line();
    }
    line_.clear();
    too_long_ = false;
}

void LogReader::take_line() {
    LogEntry entry = entries_.read(line_);
    lost_ += entry.lost;
    if (entry.kind == EntryKind::event) {
        take_({std::move(*entry.event), ++events_, file_, ++events_here_, number_});
    } else if (entry.kind == EntryKind::unreadable) {
        complain(entry.problem);
    }
}

void LogReader::end() {
    if (!too_long_ && line_.empty()) {
        return;
    }
    const std::uint64_t bad_before = bad_lines_;
    end_line();
    if (bad_lines_ == 1 && bad_before == 0) {
        first_problem_ = "the last line is cut off: " + first_problem_;
    }
}

void LogReader::complain(const std::string& what) {
    if (bad_lines_++ == 0) {
        first_bad_line_ = number_;
        first_problem_ = what;
    }
}

std::string LogReader::complaint() const {
    std::string text;
    if (bad_lines_ == 1) {
        text = ":" + std::to_string(first_bad_line_) + ": " + first_problem_;
    } else if (bad_lines_ > 1) {
        text = ": " + std::to_string(bad_lines_) + " of " + counted(number_, "line") +
               " are not events; the first is line " + std::to_string(first_bad_line_) + ": " +
               first_problem_;
    }
    if (!early_end_.empty()) {
        text += (text.empty() ? ":" : "; line ") + std::to_string(number_ + 1) + ": " + early_end_;
    }
    if (lost_ > 0) {
        text += (text.empty() ? ": " : "; ") + counted(lost_, "event") + " could not be written when " +
                (lost_ == 1 ? "it" : "they") + " happened";
    }
    return text.empty() ? text : shown(file_) + text;
}

std::vector<std::string> read_event_logs(std::span<const std::string> files, const TakeEvent& take) {
    std::uint64_t events = 0;
    return read_event_logs(files, take, events);
}

std::vector<std::string> read_event_logs(std::span<const std::string> files, const TakeEvent& take,
                                         std::uint64_t& events) {
    std::vector<std::string> complaints;
    for (const std::string& file : files) {
        LogReader log(file, open_log(file), events, take);
        log.read_file();
        log.end();
        if (std::string complaint = log.complaint(); !complaint.empty()) {
            complaints.push_back(std::move(complaint));
        }
    }
    return complaints;
}

} // namespace portguard::tools
