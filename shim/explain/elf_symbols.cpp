#include "explain/elf_symbols.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include <cxxabi.h>
#include <elf.h>
#include <link.h>
#include <unistd.h>

#include "explain/loaded_objects.h"
#include "kernel/syscalls.h"

namespace portguard {
namespace {

using Header = ElfW(Ehdr);
using Section = ElfW(Shdr);
using Symbol = ElfW(Sym);

constexpr std::size_t most_sections = 4096;
constexpr std::size_t most_note_bytes = 4096;
constexpr std::size_t longest_name = 1024;
constexpr std::size_t most_name_bytes = 65536;
// Half a million symbols: a look at each takes a few milliseconds.
constexpr std::uint64_t most_symbol_bytes = 500'000 * sizeof(Symbol);

bool read_exactly(int fd, void* out, std::size_t length, std::uint64_t offset) {
    return direct::pread(fd, out, length, static_cast<off_t>(offset)) == static_cast<ssize_t>(length);
}

std::string read_name(int fd, std::uint64_t offset) {
    std::array<char, longest_name> text;
    const ssize_t length = direct::pread(fd, text.data(), text.size(), static_cast<off_t>(offset));
    return length <= 0 ? std::string{}
                       : std::string(text.data(), strnlen(text.data(), static_cast<std::size_t>(length)));
}

std::vector<Section> read_sections(int fd) {
    Header header{};
    if (!read_exactly(fd, &header, sizeof header, 0) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_shentsize != sizeof(Section) || header.e_shnum == 0 || header.e_shnum > most_sections) {
        return {};
    }
    std::vector<Section> sections(header.e_shnum);
    if (!read_exactly(fd, sections.data(), sections.size() * sizeof(Section), header.e_shoff)) {
        return {};
    }
    return sections;
}

bool has_section(int fd, const std::vector<Section>& sections, std::string_view wanted) {
    const auto is_table = [](const Section& section) { return section.sh_type == SHT_STRTAB; };
    // The names of the sections stand in the last table of strings, as every linker writes it.
    const auto names = std::find_if(sections.rbegin(), sections.rend(), is_table);
    if (names == sections.rend()) {
        return false;
    }
    std::string text(std::min<std::size_t>(names->sh_size, most_name_bytes), '\0');
    const ssize_t length = direct::pread(fd, text.data(), text.size(), static_cast<off_t>(names->sh_offset));
    const std::string delimited = '\0' + std::string(wanted) + '\0';
    text.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
    return text.find(delimited) != std::string::npos;
}

std::string build_id_in(int fd, const std::vector<Section>& sections) {
    for (const Section& section : sections) {
        if (section.sh_type != SHT_NOTE || section.sh_size > most_note_bytes) {
            continue;
        }
        std::vector<std::byte> notes(section.sh_size);
        if (read_exactly(fd, notes.data(), notes.size(), section.sh_offset)) {
            std::string id = find_build_id(notes);
            if (!id.empty()) {
                return id;
            }
        }
    }
    return {};
}

/// The best symbol so far for each address.
struct Match {
    std::uint64_t start = 0;
    std::uint64_t name_offset = 0;
};

bool covers(const Symbol& symbol, std::uint64_t address) {
    return ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_shndx != SHN_UNDEF &&
           address >= symbol.st_value && address < symbol.st_value + symbol.st_size;
}

void search_table(int fd, const Section& table, const Section& names,
                  std::span<const std::uint64_t> addresses, std::span<Match> matches) {
    constexpr std::size_t at_once = 1024;
    std::vector<Symbol> symbols(at_once);
    const std::uint64_t count = std::min<std::uint64_t>(table.sh_size, most_symbol_bytes) / sizeof(Symbol);
    for (std::uint64_t first = 0; first < count; first += at_once) {
        const std::size_t taken = std::min<std::size_t>(at_once, count - first);
        if (!read_exactly(fd, symbols.data(), taken * sizeof(Symbol),
                          table.sh_offset + first * sizeof(Symbol))) {
            return;
        }
        for (const Symbol& symbol : std::span(symbols).first(taken)) {
            for (std::size_t index = 0; index < addresses.size(); ++index) {
                if (covers(symbol, addresses[index]) && symbol.st_value >= matches[index].start) {
                    matches[index] = {symbol.st_value, names.sh_offset + symbol.st_name};
                }
            }
        }
    }
}

} // namespace

std::string demangled(const std::string& name) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> text(
        abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), std::free);
    if (status != 0 || text == nullptr) {
        return name;
    }
    // " [clone .isra.0]": which copy the compiler made of a function is nothing to a reader.
    const std::string_view plain(text.get());
    return std::string(plain.substr(0, plain.find(" [clone ")));
}

ElfSymbols read_symbols(int fd, const std::string& build_id, std::span<const std::uint64_t> addresses) {
    ElfSymbols found;
    found.names.resize(addresses.size());
    const std::vector<Section> sections = read_sections(fd);
    if (!build_id.empty() && build_id_in(fd, sections) != build_id) {
        return found;
    }
    found.has_debug_info = has_section(fd, sections, ".debug_info");
    std::vector<Match> matches(addresses.size());
    for (const Section& section : sections) {
        if ((section.sh_type == SHT_SYMTAB || section.sh_type == SHT_DYNSYM) &&
            section.sh_link < sections.size()) {
            search_table(fd, section, sections[section.sh_link], addresses, matches);
        }
    }
    for (std::size_t index = 0; index < matches.size(); ++index) {
        if (matches[index].name_offset != 0) {
            found.names[index] = demangled(read_name(fd, matches[index].name_offset));
        }
    }
    return found;
}

} // namespace portguard
