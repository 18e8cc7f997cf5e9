#include "tools/common/progress.h"

#include <algorithm>
#include <cstdio>

#include <sys/ioctl.h>
#include <unistd.h>

namespace portguard::tools {

Progress::Progress() : is_terminal_(::isatty(STDERR_FILENO) == 1) {}

void Progress::say(const std::string& what) {
    if (!is_terminal_) {
        return;
    }
    winsize size{};
    const bool is_known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    // The last column would begin the next line.
    const std::size_t room = is_known ? size.ws_col - 1U : 79U;
    std::fprintf(stderr, "\r%s\033[K", what.substr(0, room).c_str());
    std::fflush(stderr);
    is_shown_ = true;
}

void Progress::clear() {
    if (is_shown_) {
        std::fputs("\r\033[K", stderr);
        std::fflush(stderr);
        is_shown_ = false;
    }
}

} // namespace portguard::tools
