#include "explain/elf_symbols.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string_view>

#include <cxxabi.h>
#include <elf.h>

namespace portguard {
namespace {

using Section = ElfW(Shdr);
using Symbol = ElfW(Sym);

// Half a million symbols: a look at each takes a few milliseconds.
constexpr std::uint64_t most_symbol_bytes = 500'000 * sizeof(Symbol);
// What no person reads to its end; __cxa_demangle takes its time over such.
constexpr std::size_t longest_name = 1024;

/// The best symbol so far for each address.
struct Match {
    std::uint64_t start = 0;
    std::uint64_t name_offset = 0;
};

bool covers(const Symbol& symbol, std::uint64_t address) {
    return ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_shndx != SHN_UNDEF &&
           address >= symbol.st_value && address - symbol.st_value < symbol.st_size;
}

void search_table(const ElfImage& file, const Section& table, const Section& names,
                  std::span<const std::uint64_t> addresses, std::span<Match> matches) {
    const auto symbols = part_of(file.contents(table), 0, most_symbol_bytes);
    for (std::uint64_t at = 0; at + sizeof(Symbol) <= symbols.size(); at += sizeof(Symbol)) {
        Symbol symbol;
        std::memcpy(&symbol, symbols.data() + at, sizeof symbol);
        for (std::size_t index = 0; index < addresses.size(); ++index) {
            if (covers(symbol, addresses[index]) && symbol.st_value >= matches[index].start) {
                matches[index] = {symbol.st_value, names.sh_offset + symbol.st_name};
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

std::vector<std::string> find_symbols(const ElfImage& file, std::span<const std::uint64_t> addresses) {
    std::vector<std::string> found(addresses.size());
    std::vector<Match> matches(addresses.size());
    const std::vector<Section>& sections = file.sections();
    for (const Section& section : sections) {
        if ((section.sh_type == SHT_SYMTAB || section.sh_type == SHT_DYNSYM) &&
            section.sh_link < sections.size()) {
            search_table(file, section, sections[section.sh_link], addresses, matches);
        }
    }
    for (std::size_t index = 0; index < matches.size(); ++index) {
        if (matches[index].name_offset != 0) {
            found[index] =
                demangled(std::string(file.text_at(matches[index].name_offset).substr(0, longest_name)));
        }
    }
    return found;
}

} // namespace portguard
