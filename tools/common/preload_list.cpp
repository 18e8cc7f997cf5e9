#include "tools/common/preload_list.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include <elf.h>
#include <unistd.h>

#include "core/text.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

/// ld.so(8): entries are separated by these, and there is no escape.
constexpr std::string_view separators = ": ";

/// What $LIB stands for: Debian's, Fedora's and Arch's glibc, and musl. In a folder of each lies a link to
/// the library that a loader can use there (shim/loaders).
constexpr std::array<std::string_view, 7> library_folders{
    "lib/x86_64-linux-gnu", "lib/i386-linux-gnu", "lib/aarch64-linux-gnu", "lib64", "lib32", "lib", "$LIB"};

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

/// Of this command's file.
std::filesystem::path own_folder() {
    std::error_code error;
    const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) {
        throw Refusal(ExitCode::unreachable, "/proc/self/exe cannot be read (" + error.message() +
                                                 "), so the guard beside it cannot be found; mount /proc");
    }
    return own.parent_path();
}

/// Whether a program's loader, a file in `loader_folder`, takes $LIB for `name`. glibc's stands in the folder
/// that it takes it for; musl's opens the path as it is written.
bool stands_for(std::string_view name, const ElfFile& program, std::string_view loader_folder) {
    return base_name(program.interpreter).starts_with("ld-musl-")
               ? name == "$LIB"
               : loader_folder.ends_with("/" + std::string(name));
}

} // namespace

std::string find_shim() {
    const std::filesystem::path own = own_folder();
    // The build tree, and the folders that `cmake --install` was given.
    constexpr std::array folders{"../lib", PORTGUARD_LIBRARY_FOLDER};
    std::string tried;
    for (const char* const folder : folders) {
        std::string path = (own / folder / shim_name).lexically_normal().string();
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

std::string find_i386_shim() {
#if defined(__x86_64__)
    const std::filesystem::path path = own_folder() / "../lib/i386-linux-gnu" / shim_name;
    return ::access(path.c_str(), R_OK) == 0 ? path.lexically_normal().string() : std::string();
#else
    return {};
#endif
}

bool has_i386_shim_for(const ElfFile& program) {
    return program.machine == EM_386 && program.word_bits == 32 && !find_i386_shim().empty();
}

std::string preload_entry_for(const ElfFile& program) {
    std::string library = has_i386_shim_for(program) ? find_i386_shim() : find_shim();
    const std::filesystem::path folder = (own_folder() / "../lib/portguard").lexically_normal();
    std::error_code error;
    const std::string loader = std::filesystem::canonical(program.interpreter, error).parent_path().string();
    for (const std::string_view name : library_folders) {
        if (stands_for(name, program, loader) &&
            std::filesystem::equivalent(folder / name / shim_name, library, error)) {
            return (folder / "$LIB" / shim_name).string();
        }
    }
    return library;
}

std::string preload_list(const std::string& shim, std::string_view existing,
                         const std::vector<std::string>& needed) {
    std::vector<std::string> entries = entries_of(existing);
    // Also one that an outer run has named in another way.
    std::erase_if(entries, [](const std::string& entry) { return base_name(entry) == shim_name; });
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
