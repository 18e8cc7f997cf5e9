#include "explain/program_imports.h"

#include <algorithm>
#include <vector>

#include <fcntl.h>

#include "explain/elf_image.h"
#include "explain/program_map.h"
#include "kernel/proc.h"
#include "kernel/syscalls.h"

namespace portguard {
namespace {

constexpr std::size_t most_files = 64;
constexpr std::size_t most_symbols = 100'000;

enum class Imports { no, yes, not_known };

Imports imports_of(const std::string& path, std::string_view function) {
    const auto image = ElfImage::open(path);
    const auto* const symbols = image == nullptr ? nullptr : image->section(".dynsym");
    const auto* const names = symbols == nullptr ? nullptr : image->section(".dynstr");
    if (names == nullptr || symbols->sh_size / sizeof(ElfW(Sym)) > most_symbols) {
        return Imports::not_known;
    }
    const auto table = image->contents(*symbols);
    for (std::uint64_t offset = 0; const auto symbol = value_at<ElfW(Sym)>(table, offset);
         offset += sizeof *symbol) {
        if (symbol->st_shndx == SHN_UNDEF && image->text_at(names->sh_offset + symbol->st_name) == function) {
            return Imports::yes;
        }
    }
    return Imports::no;
}

std::vector<std::string> libraries_of(pid_t pid, const std::string& exe) {
    const Syscalls syscalls;
    const ScopedFd maps(direct::open(ProcPath(pid, "maps").c_str(), O_RDONLY | O_CLOEXEC), syscalls);
    std::vector<std::string> paths;
    for (const Mapping& mapping : read_program_map(maps.get())) {
        const bool is_library = mapping.inode != 0 && mapping.path.find(".so") != std::string::npos;
        if (is_library && mapping.path != exe && (paths.empty() || paths.back() != mapping.path)) {
            paths.push_back(mapping.path);
        }
    }
    return paths;
}

} // namespace

std::optional<bool> imports_function(pid_t pid, const std::string& exe, std::string_view function) {
    if (const Imports own = imports_of(ProcPath(pid, "exe").c_str(), function); own != Imports::no) {
        return own == Imports::yes ? std::optional(true) : std::nullopt;
    }
    // Where the program has another root, names count from there.
    const std::string root = ProcPath(pid, "root").c_str();
    const std::vector<std::string> libraries = libraries_of(pid, exe);
    if (libraries.empty() || libraries.size() > most_files) {
        return std::nullopt;
    }
    bool all_known = true;
    for (const std::string& path : libraries) {
        const Imports found = imports_of(root + path, function);
        if (found == Imports::yes) {
            return true;
        }
        all_known = all_known && found == Imports::no;
    }
    return all_known ? std::optional(false) : std::nullopt;
}

} // namespace portguard
