#include "log_writer/standard_error.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/options.h"
#include "support/waiting.h"

namespace portguard::test {
namespace {

constexpr std::string_view mark = " of a report|";

} // namespace

StandardError::StandardError(int fd) : saved_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) {
    ::dup2(fd, STDERR_FILENO);
}

StandardError::~StandardError() {
    ::dup2(saved_.get(), STDERR_FILENO);
}

Config config_of(std::string_view log) {
    Config config;
    Sentence why;
    if (!option_table()[find_option("log")].assign(config, log, why)) {
        throw std::runtime_error(std::string(why.view()));
    }
    return config;
}

Fate write_report(const Config& config, std::string_view block) {
    return log_writer::write(config, 4242, true, Level::error, block);
}

Fate write_to(const Fd& fd, std::string_view block) {
    const StandardError replaced(fd);
    return write_report(config_of("stderr"), block);
}

std::string report_of(std::size_t size) {
    std::string text;
    for (unsigned line = 0; text.size() < size; ++line) {
        std::string next = "line " + std::to_string(line) + std::string(mark);
        const std::size_t left = size - text.size();
        if (left < 2 * next.size() + 2) {
            next.insert(0, left - next.size() - 1, '.');
        }
        text += next + "\n";
    }
    return text;
}

std::vector<std::string> torn_lines(std::string_view text) {
    std::vector<std::string> torn;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        const bool is_whole = end != std::string_view::npos && line.find("line ") == line.rfind("line ") &&
                              line.ends_with(mark) && line.find_first_not_of('.') == line.find("line ");
        if (!is_whole) {
            torn.emplace_back(line);
        }
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return torn;
}

int in_child(const std::function<int()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(work());
    }
    int status = 0;
    if (!eventually([&] { return ::waitpid(child, &status, WNOHANG) == child; })) {
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void hide_proc() {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", "/proc", "tmpfs", 0, nullptr) != 0) {
        throw std::system_error(errno, std::generic_category(), "hiding /proc");
    }
}

Pipe make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw std::system_error(errno, std::generic_category(), "pipe2");
    }
    return {Fd(ends[0]), Fd(ends[1])};
}

std::string drain(const Fd& reader) {
    ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
    std::string text;
    std::array<char, 4096> piece{};
    for (ssize_t count = 1; count > 0;) {
        count = ::read(reader.get(), piece.data(), piece.size());
        text.append(piece.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
    }
    return text;
}

void fill(const Fd& writer, std::string_view piece) {
    const int flags = ::fcntl(writer.get(), F_GETFL);
    ::fcntl(writer.get(), F_SETFL, flags | O_NONBLOCK);
    while (::write(writer.get(), piece.data(), piece.size()) > 0) {
    }
    ::fcntl(writer.get(), F_SETFL, flags);
}

} // namespace portguard::test
