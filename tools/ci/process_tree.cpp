#include "tools/ci/process_tree.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include <unistd.h>

#include "core/number.h"
#include "core/text.h"
#include "kernel/proc.h"

namespace portguard::tools {
namespace {

constexpr std::size_t most_text = std::size_t{1} << 20;
// A fork bomb must not take this process with it.
constexpr std::size_t most_processes = 100000;

std::string process_folder(pid_t pid) {
    return "/proc/" + std::to_string(pid);
}

/// Field 22 of /proc/PID/stat; the second one, the name, may hold blanks and parentheses. Nothing: it has
/// ended.
std::optional<std::uint64_t> start_time_of(pid_t pid) {
    const auto text = read_text_file((process_folder(pid) + "/stat").c_str(), most_text, {});
    const std::size_t name_end = text.has_value() ? text->rfind(')') : std::string::npos;
    if (name_end == std::string::npos) {
        return std::nullopt;
    }
    std::string_view rest = std::string_view(*text).substr(std::min(name_end + 2, text->size()));
    constexpr int fields_between = 19;
    if (rest.starts_with('Z') || rest.starts_with('X')) {
        return std::nullopt;
    }
    for (int field = 0; field < fields_between; ++field) {
        next_field(rest, ' ');
    }
    return parse_number<std::uint64_t>(next_field(rest, ' '));
}

void add_children(pid_t pid, std::vector<pid_t>& children) {
    std::error_code error;
    const std::filesystem::path tasks = process_folder(pid) + "/task";
    for (auto entry = std::filesystem::directory_iterator(tasks, error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const auto text = read_text_file((entry->path() / "children").c_str(), most_text, {});
        std::string_view rest = text.has_value() ? std::string_view(*text) : std::string_view();
        while (!rest.empty()) {
            if (const auto child = parse_number<pid_t>(next_field(rest, ' '))) {
                children.push_back(*child);
            }
        }
    }
}

} // namespace

std::vector<TreeProcess> descendants() {
    std::vector<pid_t> pending;
    add_children(::getpid(), pending);
    std::vector<TreeProcess> found;
    while (!pending.empty() && found.size() < most_processes) {
        const pid_t pid = pending.back();
        pending.pop_back();
        if (const auto start_time = start_time_of(pid)) {
            found.push_back({pid, *start_time});
            add_children(pid, pending);
        }
    }
    return found;
}

bool can_list_descendants() {
    return ::access("/proc/thread-self/children", R_OK) == 0;
}

} // namespace portguard::tools
