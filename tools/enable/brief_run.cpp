#include "tools/enable/brief_run.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

/// A start takes milliseconds; one that hangs is what a trial is to find.
constexpr std::chrono::seconds longest_run{20};
constexpr std::chrono::milliseconds between_looks{2};
constexpr int not_executable = 126;
constexpr int not_found = 127;

/// What a program writes: through a pipe, as most are started. The guard says nothing where stderr is a file
/// of data.
class Outlet {
public:
    Outlet() {
        if (::pipe2(ends_.data(), O_CLOEXEC) != 0 || ::fcntl(ends_[0], F_SETFL, O_NONBLOCK) != 0) {
            throw Refusal(ExitCode::failure, std::string("no pipe can be made: ") + std::strerror(errno));
        }
    }
    Outlet(const Outlet&) = delete;
    Outlet& operator=(const Outlet&) = delete;
    ~Outlet() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }

    [[nodiscard]] int end_to_write() const { return ends_[1]; }
    /// What has come, without waiting for more: what a program left behind may hold the other end for ever.
    void drain() {
        std::array<char, 4096> piece;
        ssize_t length = 0;
        while ((length = ::read(ends_[0], piece.data(), piece.size())) > 0) {
            text_.append(piece.data(), static_cast<std::size_t>(length));
        }
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::array<int, 2> ends_{};
    std::string text_;
};

/// Null: it had to be ended.
std::optional<int> wait_for(pid_t child, Outlet& output, Outlet& errors) {
    const auto end = std::chrono::steady_clock::now() + longest_run;
    int status = 0;
    bool has_ended = false;
    while (!has_ended) {
        has_ended = ::waitpid(child, &status, WNOHANG) != 0;
        output.drain();
        errors.drain();
        if (!has_ended && std::chrono::steady_clock::now() > end) {
            ::kill(-child, SIGKILL);
            ::waitpid(child, nullptr, 0);
            return std::nullopt;
        }
        std::this_thread::sleep_for(has_ended ? std::chrono::milliseconds{0} : between_looks);
    }
    return status;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> list;
    list.reserve(words.size() + 1);
    for (const std::string& word : words) {
        list.push_back(const_cast<char*>(word.c_str()));
    }
    list.push_back(nullptr);
    return list;
}

[[noreturn]] void become(const BriefRun& run, int output, int errors) {
    ::setpgid(0, 0);
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(errors, STDERR_FILENO);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (run.prepare()) {
        ::execve(run.words.front().c_str(), pointers(run.words).data(), pointers(run.environment).data());
    }
    ::_exit(not_executable);
}

} // namespace

bool Ended::could_not_start() const {
    return status && WIFEXITED(*status) &&
           (WEXITSTATUS(*status) == not_executable || WEXITSTATUS(*status) == not_found);
}

std::string Ended::described() const {
    std::string words = !status                ? "does not end"
                        : WIFSIGNALED(*status) ? "is killed by signal " + std::to_string(WTERMSIG(*status))
                                               : "ends with status " + std::to_string(WEXITSTATUS(*status));
    const std::string said = shown(errors.substr(0, errors.find('\n')));
    return said.empty() ? words : words + " and says '" + said + "'";
}

Ended run_briefly(const BriefRun& run) {
    Outlet output;
    Outlet errors;
    const pid_t child = ::fork();
    if (child == 0) {
        become(run, output.end_to_write(), errors.end_to_write());
    }
    if (child < 0) {
        return {};
    }
    // Here as well, or it may not have a group yet when it has to be ended.
    ::setpgid(child, child);
    const std::optional<int> status = wait_for(child, output, errors);
    return {status, output.text(), errors.text()};
}

} // namespace portguard::tools
