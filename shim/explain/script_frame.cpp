#include "explain/script_frame.h"

#include <algorithm>
#include <string_view>

namespace portguard {
namespace {

// A line of a report (TextBlock), whose end is cut, and the number of the line stands there.
constexpr std::size_t widest = 69;

/// As many of its folders as there is room for: `__init__.py` alone does not say which of them is meant.
std::string shown_path(std::string_view path, std::size_t room) {
    constexpr std::string_view left_out = "...";
    std::string_view rest = path;
    while (rest.size() + (rest.size() < path.size() ? left_out.size() : 0) > room) {
        const std::size_t folder = rest.find('/', 1);
        if (folder == std::string_view::npos) {
            break;
        }
        rest.remove_prefix(folder);
    }
    return rest.size() == path.size() ? std::string(path) : std::string(left_out).append(rest);
}

} // namespace

std::string describe(const ScriptFrame& frame) {
    if (frame.file.empty()) {
        return frame.function;
    }
    const std::string line = frame.line > 0 ? ":" + std::to_string(frame.line) : "";
    const std::string before = frame.function.empty() ? "" : frame.function + " at ";
    const std::size_t taken = std::min(before.size() + line.size(), widest);
    return before + shown_path(frame.file, widest - taken) + line;
}

} // namespace portguard
