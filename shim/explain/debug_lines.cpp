#include "explain/debug_lines.h"

#include <algorithm>
#include <memory>

#include <elfutils/libdw.h>
#include <sys/resource.h>

namespace portguard {
namespace {

/// Out of memory, libdw ends the process and with it the report: of an address space that is limited, a file
/// may be a sixteenth, since it is expanded and stands beside the other files of the stack.
std::size_t largest_file() {
    constexpr rlim_t most = rlim_t{64} << 20;
    rlimit limit{};
    return static_cast<std::size_t>(::getrlimit(RLIMIT_AS, &limit) == 0 ? std::min(most, limit.rlim_cur / 16)
                                                                        : most);
}

/// The compilation unit of an address. Clang makes no .debug_aranges, the index that dwarf_addrdie needs.
bool find_unit(Dwarf* debug, Dwarf_Addr address, const Deadline& deadline, Dwarf_Die& unit) {
    if (dwarf_addrdie(debug, address, &unit) != nullptr) {
        return true;
    }
    Dwarf_Off offset = 0;
    Dwarf_Off next = 0;
    std::size_t header_size = 0;
    while (!deadline.passed() &&
           dwarf_nextcu(debug, offset, &next, &header_size, nullptr, nullptr, nullptr) == 0) {
        if (dwarf_offdie(debug, offset + header_size, &unit) != nullptr && dwarf_haspc(&unit, address) == 1) {
            return true;
        }
        offset = next;
    }
    return false;
}

SourceLine find_line(Dwarf* debug, Dwarf_Addr address, const Deadline& deadline) {
    SourceLine found;
    Dwarf_Die unit;
    if (!find_unit(debug, address, deadline, unit)) {
        return found;
    }
    Dwarf_Line* const line = dwarf_getsrc_die(&unit, address);
    const char* const file = line == nullptr ? nullptr : dwarf_linesrc(line, nullptr, nullptr);
    if (file != nullptr) {
        found.file = file;
        dwarf_lineno(line, &found.line);
    }
    return found;
}

/// A section that is compressed has a name of its own, or a flag.
bool has_debug_info(const ElfImage& file) {
    return std::any_of(file.sections().begin(), file.sections().end(), [&](const ElfW(Shdr) & section) {
        const std::string_view name = file.section_name(section);
        return name == ".debug_info" || name == ".zdebug_info";
    });
}

} // namespace

std::vector<SourceLine> read_lines(const ElfImage& file, std::span<const std::uint64_t> addresses,
                                   const Deadline& deadline) {
    std::vector<SourceLine> lines(addresses.size());
    if (file.bytes().size() > largest_file() || !has_debug_info(file) || elf_version(EV_CURRENT) == EV_NONE) {
        return lines;
    }
    // Not const to libelf, which may convert in place: the mapping is private and writable.
    auto* const bytes = const_cast<char*>(reinterpret_cast<const char*>(file.bytes().data()));
    const std::unique_ptr<Elf, int (*)(Elf*)> elf(elf_memory(bytes, file.bytes().size()), elf_end);
    if (elf == nullptr) {
        return lines;
    }
    const std::unique_ptr<Dwarf, int (*)(Dwarf*)> debug(dwarf_begin_elf(elf.get(), DWARF_C_READ, nullptr),
                                                        dwarf_end);
    for (std::size_t index = 0; debug != nullptr && index < addresses.size(); ++index) {
        lines[index] = find_line(debug.get(), addresses[index], deadline);
    }
    return lines;
}

} // namespace portguard
