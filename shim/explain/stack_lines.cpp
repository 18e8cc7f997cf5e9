#include "explain/stack_lines.h"

#include <algorithm>
#include <map>
#include <span>

#include "core/text.h"

namespace portguard {
namespace {

/// "python3.11", "libjvm.so and others": what most of them are of. Of code that was made at run time there is
/// no name.
std::string modules_of(std::span<const Frame> frames) {
    std::map<std::string_view, std::size_t> counts;
    for (const Frame& frame : frames) {
        if (!frame.module.empty()) {
            ++counts[base_name(frame.module)];
        }
    }
    const auto most = std::max_element(counts.begin(), counts.end(), [](const auto& left, const auto& right) {
        return left.second < right.second;
    });
    if (most == counts.end()) {
        return "code made at run time";
    }
    return std::string(most->first) + (counts.size() > 1 ? " and others" : "");
}

std::string folded_line(std::size_t of_script, std::span<const Frame> frames) {
    std::string text = of_script == 0 ? "" : std::to_string(of_script) + " more of the script";
    if (!frames.empty()) {
        text += text.empty() ? "" : ", ";
        text += std::to_string(frames.size()) + (frames.size() == 1 ? " frame of " : " frames of ") +
                modules_of(frames);
    }
    return text;
}

std::size_t count_to_main(const std::vector<Frame>& frames) {
    const auto found = std::find_if(frames.begin(), frames.end(), [](const Frame& frame) {
        return frame.symbol == "main" || frame.symbol == "main.main";
    });
    return static_cast<std::size_t>(found - frames.begin()) + (found == frames.end() ? 0 : 1);
}

/// "net" of "net.(*netFD).listenStream"; empty where the name is not one of Go's.
std::string_view go_package(std::string_view symbol) {
    const std::string_view path = symbol.substr(0, symbol.find_first_of("([ "));
    const std::size_t slash = path.rfind('/');
    const std::size_t dot = path.find('.', slash == std::string_view::npos ? 0 : slash);
    return dot == std::string_view::npos ? std::string_view{} : path.substr(0, dot);
}

/// What every bind and listen of a Go program goes through; of `net`, what the program called is shown.
std::size_t count_go_plumbing(const std::vector<Frame>& frames) {
    std::size_t count = 0;
    for (; count < frames.size(); ++count) {
        const std::string_view package = go_package(frames[count].symbol);
        if (package != "syscall" && package != "net" && package != "runtime" &&
            !package.starts_with("runtime/") && !package.starts_with("internal/")) {
            break;
        }
    }
    return count != 0 && go_package(frames[count - 1].symbol) == "net" ? count - 1 : count;
}

} // namespace

std::vector<std::string> every_line(const std::vector<Frame>& frames) {
    std::vector<std::string> lines;
    for (std::size_t index = 0; index < count_to_main(frames); ++index) {
        lines.push_back(describe(frames[index]));
    }
    return lines;
}

StackLines stack_lines(const std::vector<Frame>& frames, const std::vector<ScriptFrame>& script,
                       std::size_t most) {
    StackLines shown;
    if (script.empty()) {
        shown.lines = every_line(frames);
        const std::size_t plumbing = count_go_plumbing(frames);
        if (plumbing < shown.lines.size()) {
            shown.lines.erase(shown.lines.begin(),
                              shown.lines.begin() + static_cast<std::ptrdiff_t>(plumbing));
        }
        shown.lines.resize(std::min(shown.lines.size(), most));
        return shown;
    }
    const auto own =
        std::find_if(frames.begin(), frames.end(), [](const Frame& frame) { return frame.is_interpreters; });
    const auto others = static_cast<std::size_t>(own - frames.begin());
    for (std::size_t index = 0; index < std::min(others, most); ++index) {
        shown.lines.push_back(describe(frames[index]));
    }
    for (std::size_t index = 0; index < script.size() && shown.lines.size() < most; ++index) {
        shown.lines.push_back(describe(script[index]));
    }
    const std::size_t hidden = script.size() - (shown.lines.size() - std::min(others, most));
    const std::size_t end = std::max(count_to_main(frames), others);
    shown.folded = folded_line(hidden, std::span(frames).subspan(others, end - others));
    return shown;
}

} // namespace portguard
