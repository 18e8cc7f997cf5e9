#include "preload/run_victim.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <sstream>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace portguard::test {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
    Fd read_end;
    Fd write_end;
};

Pipe make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw std::system_error(errno, std::generic_category(), "pipe2");
    }
    return {Fd(ends[0]), Fd(ends[1])};
}

/// What every victim sees, with or without the shim.
std::vector<std::string> environment_of(const Run& what) {
    std::vector<std::string> all{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"};
    const auto is_given = [&what](const std::string& name) {
        return std::getenv(name.c_str()) != nullptr ||
               std::any_of(what.environment.begin(), what.environment.end(),
                           [&name](const std::string& entry) { return entry.starts_with(name + "="); });
    };
    // The victims leave what they opened to their end, and python3 leaks by itself.
    if (is_sanitized && !is_given("ASAN_OPTIONS")) {
        all.emplace_back("ASAN_OPTIONS=detect_leaks=0");
    }
    for (const char* passed : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
        if (const char* value = std::getenv(passed); value != nullptr) {
            all.push_back(std::string(passed) + "=" + value);
        }
    }
    const std::string preload = preload_value(what);
    if (!preload.empty()) {
        all.push_back("LD_PRELOAD=" + preload);
    }
    // What is told is tested, and not how soon a busy machine gets there.
    if (!is_given("PORTGUARD_BUDGET_MS")) {
        all.emplace_back("PORTGUARD_BUDGET_MS=10000");
    }
    all.insert(all.end(), what.environment.begin(), what.environment.end());
    return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

void drain(Fd& from, std::string& into) {
    std::array<char, 4096> piece{};
    const ssize_t count = ::read(from.get(), piece.data(), piece.size());
    if (count > 0) {
        into.append(piece.data(), static_cast<std::size_t>(count));
    } else if (count == 0 || errno != EINTR) {
        from.reset();
    }
}

} // namespace

const char* shim_path() {
    return PORTGUARD_SHIM;
}

std::string victim(std::string_view name) {
    return std::string(PORTGUARD_VICTIMS "/portguard_victim_") + std::string(name);
}

std::string victim_object(std::string_view name) {
    return std::string(PORTGUARD_VICTIM_OBJECTS "/libportguard_victim_") + std::string(name) + ".so";
}

std::string preload_value(const Run& what) {
    std::vector<std::string> objects;
    if (what.with_shim || !what.preloaded_before.empty() || !what.preloaded_after.empty()) {
        objects.emplace_back(PORTGUARD_SANITIZER_RUNTIME);
    }
    objects.insert(objects.end(), what.preloaded_before.begin(), what.preloaded_before.end());
    if (what.with_shim) {
        objects.push_back(what.shim.empty() ? shim_path() : what.shim);
    }
    objects.insert(objects.end(), what.preloaded_after.begin(), what.preloaded_after.end());
    std::string value;
    for (const std::string& object : objects) {
        value += value.empty() || object.empty() ? object : ":" + object;
    }
    return value;
}

Background::Background(const Run& what) : deadline_(what.deadline) {
    Pipe in = make_pipe();
    Pipe out = make_pipe();
    Pipe err = make_pipe();
    std::vector<std::string> arguments = what.argv;
    std::vector<std::string> variables = environment_of(what);
    const std::vector<char*> argv = pointers_to(arguments);
    const std::vector<char*> envp = pointers_to(variables);
    pid_ = ::fork();
    if (pid_ < 0) {
        throw std::system_error(errno, std::generic_category(), "fork");
    }
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::dup2(in.read_end.get(), STDIN_FILENO);
        ::dup2(out.write_end.get(), STDOUT_FILENO);
        ::dup2(err.write_end.get(), STDERR_FILENO);
        if (what.before_exec) {
            what.before_exec();
        }
        ::execve(argv[0], argv.data(), envp.data());
        ::_exit(127);
    }
    input_ = std::move(in.write_end);
    output_ = std::move(out.read_end);
    errors_ = std::move(err.read_end);
}

Background::~Background() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
}

void Background::pump(int timeout_ms) {
    std::array<pollfd, 2> sources{{{output_.get(), POLLIN, 0}, {errors_.get(), POLLIN, 0}}};
    if (::poll(sources.data(), sources.size(), timeout_ms) <= 0) {
        return;
    }
    if (sources[0].revents != 0) {
        drain(output_, result_.out);
    }
    if (sources[1].revents != 0) {
        drain(errors_, result_.err);
    }
}

std::string Background::read_line() {
    const auto end = Clock::now() + deadline_;
    for (;;) {
        const std::size_t stop = result_.out.find('\n', lines_read_);
        if (stop != std::string::npos) {
            std::string line = result_.out.substr(lines_read_, stop - lines_read_);
            lines_read_ = stop + 1;
            return line;
        }
        if (!output_.valid() || Clock::now() >= end) {
            return {};
        }
        pump(50);
    }
}

void Background::send(std::string_view text) {
    if (::write(input_.get(), text.data(), text.size()) < 0) {
        throw std::system_error(errno, std::generic_category(), "write to a victim");
    }
}

void Background::kill_hard() {
    ::kill(pid_, SIGKILL);
}

void Background::wait_for_end(Clock::time_point end) {
    int status = 0;
    while (::waitpid(pid_, &status, WNOHANG) == 0) {
        if (Clock::now() >= end) {
            ::kill(pid_, SIGKILL);
            result_.timed_out = true;
            ::waitpid(pid_, &status, 0);
            break;
        }
        if (output_.valid() || errors_.valid()) {
            pump(1);
        } else {
            ::poll(nullptr, 0, 1);
        }
    }
    pid_ = -1;
    result_.set_status(status);
}

Finished Background::finish() {
    input_.reset();
    if (pid_ > 0) {
        wait_for_end(Clock::now() + deadline_);
    }
    // What stands in the pipes is there already; a grandchild that still holds them is not waited for.
    for (int quiet = 0; quiet < 3 && (output_.valid() || errors_.valid());) {
        const std::size_t before = result_.out.size() + result_.err.size();
        pump(5);
        quiet = result_.out.size() + result_.err.size() == before ? quiet + 1 : 0;
    }
    return result_;
}

Finished run(const Run& what) {
    return Background(what).finish();
}

std::string read_text(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

void write_text(const std::string& path, std::string_view text) {
    std::ofstream file(path);
    file << text << std::flush;
    if (!file) {
        throw std::runtime_error("cannot write " + path);
    }
}

std::size_t count_of(std::string_view text, std::string_view needle) {
    std::size_t count = 0;
    for (std::size_t at = text.find(needle); at != std::string_view::npos; at = text.find(needle, at + 1)) {
        ++count;
    }
    return count;
}

} // namespace portguard::test
