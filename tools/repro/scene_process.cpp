#include "tools/repro/scene_process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <grp.h>
#include <poll.h>
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

using TextFile = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

TextFile open_text(const char* path) {
    return {std::fopen(path, "re"), [](std::FILE* file) { return file == nullptr ? 0 : std::fclose(file); }};
}

struct UserGroups {
    gid_t own = 0;
    std::vector<gid_t> all;
};

bool has_member(const group& entry, std::string_view user) {
    for (char* const* member = entry.gr_mem; *member != nullptr; ++member) {
        if (*member == user) {
            return true;
        }
    }
    return false;
}

/// From passwd(5) and group(5): getpwuid(3) and initgroups(3) load the modules of nsswitch.conf(5), which a
/// static executable cannot. A user of LDAP's is without.
std::optional<UserGroups> groups_of(uid_t uid) {
    const TextFile users = open_text("/etc/passwd");
    const passwd* user = users == nullptr ? nullptr : ::fgetpwent(users.get());
    while (user != nullptr && user->pw_uid != uid) {
        user = ::fgetpwent(users.get());
    }
    if (user == nullptr) {
        return std::nullopt;
    }
    UserGroups found{user->pw_gid, {user->pw_gid}};
    const TextFile groups = open_text("/etc/group");
    while (const group* const entry = groups == nullptr ? nullptr : ::fgetgrent(groups.get())) {
        if (entry->gr_gid != found.own && has_member(*entry, user->pw_name)) {
            found.all.push_back(entry->gr_gid);
        }
    }
    return found;
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

std::optional<std::string> Line::receive(const std::function<void()>& each_second) const {
    constexpr int second_ms = 1000;
    pollfd message{fd_, POLLIN, 0};
    while (each_second && ::poll(&message, 1, second_ms) == 0) {
        each_second();
    }
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

std::string Child::receive(const std::function<void()>& each_second) const {
    const auto message = line_->receive(each_second);
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
    const UserGroups groups = groups_of(uid).value_or(UserGroups{uid, {}});
    if (::setgroups(groups.all.size(), groups.all.data()) != 0 ||
        ::setresgid(groups.own, groups.own, groups.own) != 0 || ::setresuid(uid, uid, uid) != 0) {
        refuse("this user cannot become user " + std::to_string(uid));
    }
    // What is not dumpable hides its descriptors from others of its own user.
    ::prctl(PR_SET_DUMPABLE, 1);
}

} // namespace portguard::tools
