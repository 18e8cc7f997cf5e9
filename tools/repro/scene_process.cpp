#include "tools/repro/scene_process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <vector>

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/holders.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

/// A report with its holders is far shorter.
constexpr std::size_t longest_message = 180'000;

[[noreturn]] void refuse(const std::string& what) {
    throw Refusal(ExitCode::findings, what + " (" + describe_errno(errno) + ")");
}

} // namespace

/// Processes that were forked since have copies of it.
void Line::end() const {
    ::shutdown(fd_, SHUT_RDWR);
}

Line::~Line() {
    ::close(fd_);
}

void Line::send(std::string_view message) const {
    const std::string_view sent = message.substr(0, longest_message);
    static_cast<void>(::send(fd_, sent.data(), sent.size(), MSG_NOSIGNAL));
}

std::optional<std::string> Line::receive() const {
    std::vector<char> bytes(longest_message);
    ssize_t length = -1;
    do {
        length = ::recv(fd_, bytes.data(), bytes.size(), 0);
    } while (length < 0 && errno == EINTR);
    return length > 0 ? std::optional(std::string(bytes.data(), static_cast<std::size_t>(length)))
                      : std::nullopt;
}

Child::Child(const std::function<void(const Line&)>& body) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        refuse("no process can be started");
    }
    pid_ = ::fork();
    if (pid_ < 0) {
        refuse("no process can be started");
    }
    if (pid_ == 0) {
        ::close(ends[0]);
        const Line line(ends[1]);
        try {
            body(line);
        } catch (const std::exception& error) {
            line.send(std::string(failure_mark) + error.what());
        }
        ::_exit(0);
    }
    ::close(ends[1]);
    line_.emplace(ends[0]);
}

Child::~Child() {
    line_->end();
    leave_to_its_child();
}

void Child::leave_to_its_child() {
    while (pid_ > 0 && ::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

std::string Child::receive() const {
    const auto message = line_->receive();
    if (!message.has_value()) {
        throw Refusal(ExitCode::findings, "a process of the condition has ended unexpectedly");
    }
    if (message->starts_with(failure_mark)) {
        throw Refusal(ExitCode::findings, message->substr(failure_mark.size()));
    }
    return *message;
}

void become(uid_t uid) {
    if (uid == ::geteuid()) {
        return;
    }
    const passwd* const user = ::getpwuid(uid);
    const gid_t group = user != nullptr ? user->pw_gid : uid;
    const int groups_result = user != nullptr ? ::initgroups(user->pw_name, group) : ::setgroups(0, nullptr);
    if (groups_result != 0 || ::setresgid(group, group, group) != 0 || ::setresuid(uid, uid, uid) != 0) {
        refuse("this user cannot become user " + std::to_string(uid));
    }
    // What is not dumpable hides its descriptors from others of its own user.
    ::prctl(PR_SET_DUMPABLE, 1);
}

} // namespace portguard::tools
