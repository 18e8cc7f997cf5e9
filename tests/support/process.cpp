#include "support/process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <exception>
#include <ostream>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace portguard::test {
namespace {

constexpr int setup_failed = 254;

Fd memory_file(const char* name) {
    Fd file(::memfd_create(name, MFD_CLOEXEC));
    // Two writers (a parent and its child) must not overwrite each other.
    if (!file.valid() || ::fcntl(file.get(), F_SETFL, O_APPEND) != 0) {
        throw std::system_error(errno, std::generic_category(), "memfd_create");
    }
    return file;
}

std::string content_of(const Fd& file) {
    std::string text;
    char buffer[4096];
    while (true) {
        const ssize_t count = ::pread(file.get(), buffer, sizeof buffer, static_cast<off_t>(text.size()));
        if (count <= 0) {
            return text;
        }
        text.append(buffer, static_cast<std::size_t>(count));
    }
}

std::string_view name_of(std::string_view entry) {
    return entry.substr(0, entry.find('='));
}

std::vector<std::string> environment_for(const ProcessSpec& spec) {
    std::vector<std::string> entries;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view name = name_of(*entry);
        const bool is_changed =
            std::any_of(spec.environment.begin(), spec.environment.end(),
                        [name](const std::string& change) { return name_of(change) == name; });
        if (!is_changed && name != "LD_PRELOAD" && !name.starts_with("PORTGUARD_")) {
            entries.emplace_back(*entry);
        }
    }
    std::copy_if(spec.environment.begin(), spec.environment.end(), std::back_inserter(entries),
                 [](const std::string& change) { return change.find('=') != std::string::npos; });
    return entries;
}

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (const std::string& word : words) {
        pointers.push_back(const_cast<char*>(word.c_str()));
    }
    pointers.push_back(nullptr);
    return pointers;
}

[[noreturn]] void become(const ProcessSpec& spec, char* const* argv, char* const* environment, int out,
                         int err) {
    // A group of its own, so that it can be ended with its children; and it does not outlive a test that
    // crashes.
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(input, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    try {
        if (spec.before_exec) {
            spec.before_exec();
        }
        if (spec.folder.empty() || ::chdir(spec.folder.c_str()) == 0) {
            ::execvpe(argv[0], argv, environment);
        }
    } catch (const std::exception&) {
        ::_exit(setup_failed);
    }
    ::_exit(setup_failed);
}

} // namespace

std::ostream& operator<<(std::ostream& stream, const Finished& finished) {
    stream << (finished.timed_out ? "timed out, " : "");
    if (finished.signal != 0) {
        stream << "signal " << finished.signal;
    } else {
        stream << "exit status " << finished.exit_status;
    }
    return stream << "\nstdout: " << finished.out << "\nstderr: " << finished.err;
}

void Finished::set_status(int wait_status) {
    exit_status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
    signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
}

Process::Process(const ProcessSpec& spec) : out_(memory_file("stdout")), err_(memory_file("stderr")) {
    // Made before the fork, whose child should do as little as possible.
    const std::vector<std::string> environment = environment_for(spec);
    const std::vector<char*> variables = pointers_to(environment);
    const std::vector<char*> arguments = pointers_to(spec.argv);
    pid_ = ::fork();
    if (pid_ < 0) {
        throw std::system_error(errno, std::generic_category(), "fork");
    }
    if (pid_ == 0) {
        become(spec, arguments.data(), variables.data(), out_.get(), err_.get());
    }
    // In both, since either may come first.
    ::setpgid(pid_, pid_);
}

Process::~Process() {
    if (!reaped_) {
        reap();
    }
}

int Process::reap() {
    // Before the wait, which gives the number of the group back to the kernel. A leader that has exited keeps
    // its status.
    ::kill(-pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    reaped_ = true;
    return status;
}

std::string Process::out() const {
    return content_of(out_);
}

std::string Process::err() const {
    return content_of(err_);
}

void Process::send_signal(int number) const {
    if (!reaped_) {
        ::kill(pid_, number);
    }
}

Finished Process::finish(std::chrono::milliseconds deadline) {
    Finished finished;
    finished.pid = pid_;
    const Fd watched(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    pollfd wait_for{watched.get(), POLLIN, 0};
    if (::poll(&wait_for, 1, static_cast<int>(deadline.count())) == 0) {
        finished.timed_out = true;
    }
    finished.set_status(reap());
    finished.out = out();
    finished.err = err();
    return finished;
}

Finished run_process(const ProcessSpec& spec) {
    Process process(spec);
    return process.finish();
}

} // namespace portguard::test
