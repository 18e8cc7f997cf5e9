#include "tools/common/preload_list.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include <unistd.h>

#include "core/text.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

/// ld.so(8): entries are separated by these, and there is no escape.
constexpr std::string_view separators = ": ";

bool is_sanitizer(std::string_view entry) {
    constexpr std::array prefixes{
        std::string_view("libasan.so"),       std::string_view("libhwasan.so"),
        std::string_view("liblsan.so"),       std::string_view("libtsan.so"),
        std::string_view("libclang_rt.asan"), std::string_view("libclang_rt.hwasan"),
        std::string_view("libclang_rt.tsan"),
    };
    const std::string_view name = base_name(entry);
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [name](std::string_view prefix) { return name.starts_with(prefix); });
}

std::vector<std::string> entries_of(std::string_view list) {
    std::vector<std::string> entries;
    while (!list.empty()) {
        const std::size_t end = list.find_first_of(separators);
        if (end != 0) {
            entries.emplace_back(list.substr(0, end));
        }
        list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
    }
    return entries;
}

} // namespace

std::string find_shim() {
    std::error_code error;
    const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) {
        throw Refusal(ExitCode::unreachable, "/proc/self/exe cannot be read (" + error.message() +
                                                 "), so the guard beside it cannot be found; mount /proc");
    }
    // The build tree, and the folders that `cmake --install` was given.
    constexpr std::array folders{"../lib", PORTGUARD_LIBRARY_FOLDER};
    std::string tried;
    for (const char* const folder : folders) {
        std::string path = (own.parent_path() / folder / shim_name).lexically_normal().string();
        if (::access(path.c_str(), R_OK) != 0) {
            tried = path;
            continue;
        }
        // '$' because the loader replaces $LIB and its like.
        if (path.find_first_of(": $") != std::string::npos) {
            throw Refusal(ExitCode::unreachable,
                          "'" + shown(path) +
                              "' cannot stand in LD_PRELOAD, where ':' and ' ' separate entries and '$' is "
                              "replaced; install portguard below a path without them");
        }
        return path;
    }
    throw Refusal(
        ExitCode::unreachable,
        "'" + shown(tried) +
            "' is missing or cannot be read, and without it no program is guarded; install it again");
}

std::string preload_list(const std::string& shim, std::string_view existing,
                         const std::vector<std::string>& needed) {
    std::vector<std::string> entries = entries_of(existing);
    std::erase(entries, shim);
    for (const std::string& name : needed) {
        const auto is_same = [&name](const std::string& entry) { return base_name(entry) == name; };
        if (is_sanitizer(name) && std::none_of(entries.begin(), entries.end(), is_same)) {
            entries.push_back(name);
        }
    }
    const auto place = std::stable_partition(entries.begin(), entries.end(), is_sanitizer);
    entries.insert(place, shim);
    std::string list;
    for (const std::string& entry : entries) {
        list.append(list.empty() ? "" : ":").append(entry);
    }
    return list;
}

} // namespace portguard::tools
