#include "tools/enable/loaders.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "core/text.h"
#include "tools/common/elf_file.h"
#include "tools/common/program_file.h"

namespace portguard::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view musl_prefix = "ld-musl-";

/// Where the x86, Arm, Power and RISC-V ABIs have them (elf(5), the FHS).
std::vector<std::string> loaders_of_the_abis() {
    std::vector<std::string> found;
    for (const char* const folder : {"/lib64", "/lib", "/lib32", "/libx32"}) {
        std::error_code error;
        for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
             entry.increment(error)) {
            const std::string name = entry->path().filename().string();
            if ((name.starts_with("ld-") || name.starts_with("ld64")) &&
                name.find(".so.") != std::string::npos) {
                found.push_back(entry->path().string());
            }
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

bool is_in_this_root(const fs::path& process) {
    std::error_code error;
    return fs::equivalent(process / "root", "/", error);
}

/// Of a store or a prefix of its own, such as /nix or a folder of a vendor.
std::vector<std::string> loaders_of_running_programs() {
    std::vector<std::string> found;
    std::error_code error;
    for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
        const fs::path& process = entry->path();
        const std::string name = process.filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos || !is_in_this_root(process)) {
            continue;
        }
        const MappedFile file((process / "exe").string());
        std::string loader = read_elf(file.bytes()).value_or(ElfFile{}).interpreter;
        if (!loader.empty() && fs::exists(loader, error)) {
            found.push_back(std::move(loader));
        }
    }
    return found;
}

std::string libc_beside(const fs::path& loader) {
    const fs::path libc = loader.parent_path() / "libc.so.6";
    std::error_code error;
    return fs::exists(libc, error) ? libc.string() : std::string();
}

} // namespace

bool Loader::is_musl() const {
    return base_name(path).starts_with(musl_prefix);
}

std::vector<Loader> find_loaders() {
    std::vector<std::string> paths = loaders_of_the_abis();
    for (std::string& path : loaders_of_running_programs()) {
        paths.push_back(std::move(path));
    }
    std::vector<Loader> loaders;
    // One file has several names: ld-lsb-x86-64.so.3 is a link to ld-linux-x86-64.so.2.
    std::set<std::string> files;
    for (const std::string& path : paths) {
        std::error_code error;
        const fs::path file = fs::canonical(path, error);
        if (!error && files.insert(file.string()).second) {
            loaders.push_back({path, libc_beside(file)});
        }
    }
    return loaders;
}

} // namespace portguard::tools
