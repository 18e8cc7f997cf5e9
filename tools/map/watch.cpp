#include "tools/map/watch.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include <poll.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "core/text.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"
#include "tools/map/paint.h"
#include "tools/map/terminal_size.h"

namespace portguard::tools {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// The terminal's other screen, without a cursor; keys arrive at once and are not shown.
class OtherScreen {
public:
    OtherScreen() { enter(); }
    OtherScreen(const OtherScreen&) = delete;
    OtherScreen& operator=(const OtherScreen&) = delete;
    ~OtherScreen() { leave(); }

    void enter() {
        has_keys_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
        if (has_keys_) {
            termios keys = before_;
            keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
            ::tcsetattr(STDIN_FILENO, TCSADRAIN, &keys);
        }
        put("\033[?1049h\033[?25l");
    }

    void leave() {
        put("\033[?25h\033[?1049l");
        if (has_keys_) {
            ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
        }
    }

    [[nodiscard]] bool has_keys() const { return has_keys_; }

private:
    /// As print(), but silent: it runs while an error is on its way.
    static void put(std::string_view text) {
        while (!text.empty()) {
            const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
            if (count < 0 && errno != EINTR) {
                return;
            }
            text.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
        }
    }

    termios before_{};
    bool has_keys_ = false;
};

/// Signals as something to read, so that none comes while the screen is half drawn.
class Signals {
public:
    Signals() {
        ::sigemptyset(&set_);
        for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH}) {
            ::sigaddset(&set_, number);
        }
        ::sigprocmask(SIG_BLOCK, &set_, &before_);
        fd_ = ::signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd_ < 0) {
            const int error = errno;
            ::sigprocmask(SIG_SETMASK, &before_, nullptr);
            throw Refusal(ExitCode::usage, std::string("--watch cannot receive signals (") +
                                               std::strerror(error) +
                                               "); without it the map is printed once");
        }
    }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals() {
        ::close(fd_);
        ::sigprocmask(SIG_SETMASK, &before_, nullptr);
    }

    [[nodiscard]] int fd() const { return fd_; }

    /// 0: none is there.
    [[nodiscard]] int take() const {
        signalfd_siginfo info{};
        return ::read(fd_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
    }

private:
    sigset_t set_{};
    sigset_t before_{};
    int fd_ = -1;
};

/// "19:52:03, again every 2 s; q ends".
std::string status(milliseconds interval) {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    std::array<char, 16> clock{};
    const std::size_t length = std::strftime(clock.data(), clock.size(), "%H:%M:%S", &local);
    const bool is_whole = interval.count() % 1000 == 0;
    return std::string(clock.data(), length) + ", again every " +
           (is_whole ? std::to_string(interval.count() / 1000) + " s"
                     : std::to_string(interval.count()) + " ms") +
           "; q ends";
}

/// Each line over the one before, so that nothing flickers; a line too many would scroll the others away.
void draw(std::string_view picture, std::string last_line) {
    std::string text = "\033[H";
    const TerminalSize size = terminal_size(STDOUT_FILENO, true);
    for (std::size_t left = size.lines; left != 0 && !picture.empty(); --left) {
        text.append(next_field(picture, '\n')).append("\033[K\r\n");
    }
    if (const auto more = std::count(picture.begin(), picture.end(), '\n'); more != 0) {
        last_line.insert(0, std::to_string(more) + " more lines; ");
    }
    print(text + PaintedLine(false, size.columns).add(last_line).text() + "\033[K\033[J");
}

/// Why the screen is drawn again, or no more.
enum class Next : std::uint8_t { draw, end, die };

class Watch {
public:
    Next wait(milliseconds interval) {
        const auto end = Clock::now() + interval;
        while (true) {
            const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
            if (left.count() <= 0) {
                return Next::draw;
            }
            constexpr milliseconds::rep longest = 3'600'000;
            // A negative descriptor is passed over.
            std::array<pollfd, 2> entries{
                {{signals_.fd(), POLLIN, 0}, {screen_.has_keys() ? STDIN_FILENO : -1, POLLIN, 0}}};
            if (::poll(entries.data(), entries.size(), static_cast<int>(std::min(left.count(), longest))) <=
                0) {
                continue;
            }
            if (entries[0].revents != 0) {
                return obey(signals_.take());
            }
            if (is_end_key()) {
                return Next::end;
            }
        }
    }

    [[nodiscard]] int deadly_signal() const { return deadly_signal_; }

private:
    Next obey(int number) {
        switch (number) {
        case 0:
        case SIGCONT:
        case SIGWINCH: return Next::draw;
        case SIGTSTP:
            screen_.leave();
            ::raise(SIGSTOP);
            screen_.enter();
            return Next::draw;
        default: deadly_signal_ = number; return Next::die;
        }
    }

    /// q, or the terminal has gone.
    static bool is_end_key() {
        char key = 0;
        return ::read(STDIN_FILENO, &key, 1) <= 0 || key == 'q';
    }

    Signals signals_;
    OtherScreen screen_;
    int deadly_signal_ = 0;
};

} // namespace

void watch(milliseconds interval, const std::function<std::string()>& picture) {
    int deadly_signal = 0;
    {
        Watch watch;
        Next next = Next::draw;
        while (next == Next::draw) {
            draw(picture(), status(interval));
            next = watch.wait(interval);
        }
        deadly_signal = watch.deadly_signal();
    }
    if (deadly_signal != 0) {
        ::signal(deadly_signal, SIG_DFL);
        ::raise(deadly_signal);
    }
}

} // namespace portguard::tools
