#include "tools/events/journal.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

/// Seconds as journalctl takes them, the fraction cut: the filter is asked once more.
std::string epoch(Instant instant, std::chrono::seconds more = {}) {
    return "@" + std::to_string((std::chrono::floor<std::chrono::seconds>(instant) + more).count());
}

std::vector<std::string> words_of(const JournalQuery& query) {
    // --all: a field of more than 4,096 bytes, as an event's is, would else be null.
    std::vector<std::string> words{"journalctl", "--output=json", "--all", "--no-pager", "--quiet"};
    if (!query.unit.empty()) {
        words.push_back("--unit=" + query.unit);
    }
    if (!query.after_cursor.empty()) {
        words.push_back("--after-cursor=" + query.after_cursor);
    } else if (query.since.has_value()) {
        words.push_back("--since=" + epoch(*query.since));
    }
    if (query.until.has_value()) {
        words.push_back("--until=" + epoch(*query.until, std::chrono::seconds(1)));
    }
    if (query.follow) {
        words.insert(words.end(), {"--follow", "--no-tail"});
    }
    return words;
}

[[noreturn]] void refuse(int error) {
    throw Refusal(ExitCode::usage, std::string("--journal: journalctl cannot be run (") +
                                       std::strerror(error) +
                                       "); it comes with systemd, and `portguard events FILE` reads a file");
}

} // namespace

JournalProcess::JournalProcess(const JournalQuery& query) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        refuse(errno);
    }
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::vector<std::string> words = words_of(query);
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    const int error = ::posix_spawnp(&pid_, argv.front(), &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (error != 0) {
        pid_ = -1;
        ::close(ends[0]);
        refuse(error);
    }
    output_ = ends[0];
}

JournalProcess::~JournalProcess() {
    if (output_ >= 0) {
        ::close(output_);
    }
    if (pid_ > 0) {
        ::kill(pid_, SIGTERM);
        finish();
    }
}

int JournalProcess::take_output() {
    return std::exchange(output_, -1);
}

std::string JournalProcess::finish() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    if (WIFSIGNALED(status)) {
        return "journalctl was ended by signal " + std::to_string(WTERMSIG(status));
    }
    return WEXITSTATUS(status) == 0 ? std::string()
                                    : "journalctl ended with " + std::to_string(WEXITSTATUS(status));
}

} // namespace portguard::tools
