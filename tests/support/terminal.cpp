#include "support/terminal.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>

#include "support/waiting.h"

namespace portguard::test {
namespace {

[[noreturn]] void become(const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
    for (const std::string& entry : environment) {
        const std::size_t equals = entry.find('=');
        if (equals == std::string::npos) {
            ::unsetenv(entry.c_str());
        } else {
            ::setenv(entry.substr(0, equals).c_str(), entry.substr(equals + 1).c_str(), 1);
        }
    }
    std::vector<char*> words;
    for (const std::string& word : argv) {
        words.push_back(const_cast<char*>(word.c_str()));
    }
    words.push_back(nullptr);
    ::execvp(words.front(), words.data());
    ::_exit(127);
}

} // namespace

Terminal::Terminal(const std::vector<std::string>& argv, const std::vector<std::string>& environment,
                   unsigned short columns, unsigned short lines) {
    const winsize size{lines, columns, 0, 0};
    int master = -1;
    int slave = -1;
    if (::openpty(&master, &slave, nullptr, nullptr, &size) != 0) {
        throw std::system_error(errno, std::generic_category(), "openpty");
    }
    master_ = Fd(master);
    slave_ = Fd(slave);
    ::fcntl(master, F_SETFL, O_NONBLOCK);
    ::fcntl(master, F_SETFD, FD_CLOEXEC);
    pid_ = ::fork();
    if (pid_ == 0) {
        ::login_tty(slave);
        become(argv, environment);
    }
}

Terminal::~Terminal() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
}

const std::string& Terminal::written() {
    std::array<char, 4096> bytes{};
    ssize_t count = 0;
    while ((count = ::read(master_.get(), bytes.data(), bytes.size())) > 0) {
        written_.append(bytes.data(), static_cast<std::size_t>(count));
    }
    return written_;
}

void Terminal::type(std::string_view keys) const {
    if (::write(master_.get(), keys.data(), keys.size()) != static_cast<ssize_t>(keys.size())) {
        throw std::system_error(errno, std::generic_category(), "typing");
    }
}

void Terminal::resize(unsigned short columns, unsigned short lines) const {
    const winsize size{lines, columns, 0, 0};
    ::ioctl(master_.get(), TIOCSWINSZ, &size);
}

bool Terminal::is_cooked() const {
    termios settings{};
    ::tcgetattr(slave_.get(), &settings);
    return (settings.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO);
}

int Terminal::wait_for_end() {
    int status = 0;
    const bool ended = eventually([&] {
        // A full terminal would keep it from ending.
        written();
        return ::waitpid(pid_, &status, WNOHANG) == pid_;
    });
    if (!ended) {
        throw std::runtime_error("the program at the terminal does not end");
    }
    pid_ = -1;
    written();
    return status;
}

} // namespace portguard::test
