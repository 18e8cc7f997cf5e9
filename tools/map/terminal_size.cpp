#include "tools/map/terminal_size.h"

#include <algorithm>

#include <sys/ioctl.h>

namespace portguard::tools {
namespace {

constexpr std::size_t usual_columns = 80;
constexpr std::size_t usual_lines = 24;

} // namespace

TerminalSize terminal_size(int fd, bool whole) {
    winsize size{};
    const bool is_known = ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 && size.ws_row != 0;
    const std::size_t factor = whole ? 2 : 1;
    std::size_t columns = is_known ? size.ws_col : usual_columns * factor;
    std::size_t lines = is_known ? size.ws_row : usual_lines * factor;
    if (!whole) {
        columns = std::min(columns, usual_columns);
        lines = std::min(lines, usual_lines);
    }
    return {columns, lines - 1};
}

} // namespace portguard::tools
