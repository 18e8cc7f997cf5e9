#include "explain/elf_lookup.h"

#include <elf.h>

namespace portguard {
namespace {

using Word = std::uint32_t;
using BloomWord = std::uint64_t;

Word hash_of(std::string_view name) {
    Word hash = 5381;
    for (const char character : name) {
        hash = hash * 33 + static_cast<unsigned char>(character);
    }
    return hash;
}

/// .gnu.hash (https://flapenguin.me/elf-dt-gnu-hash), as the linker wrote it.
class HashTable {
public:
    explicit HashTable(std::span<const std::byte> bytes)
        : bytes_(bytes), buckets_(word(0)), first_symbol_(word(1)), blooms_(word(2)), shift_(word(3)) {}

    /// `is_it(index)` for each symbol that may be the one, until it is true.
    template <typename IsIt>
    void search(Word hash, IsIt is_it) const {
        if (buckets_ == 0 || blooms_ == 0 || !may_have(hash)) {
            return;
        }
        const std::uint64_t buckets_at = header_size + std::uint64_t{blooms_} * sizeof(BloomWord);
        const std::uint64_t chains_at = buckets_at + std::uint64_t{buckets_} * sizeof(Word);
        const Word bucket = at<Word>(buckets_at + hash % buckets_ * sizeof(Word));
        for (std::uint64_t index = bucket; index >= first_symbol_ && index != 0; ++index) {
            const auto link = value_at<Word>(bytes_, chains_at + (index - first_symbol_) * sizeof(Word));
            if (!link.has_value() || ((*link | 1) == (hash | 1) && is_it(index)) || (*link & 1) != 0) {
                return;
            }
        }
    }

private:
    static constexpr std::uint64_t header_size = 4 * sizeof(Word);

    template <typename Value>
    [[nodiscard]] Value at(std::uint64_t offset) const {
        return value_at<Value>(bytes_, offset).value_or(0);
    }
    [[nodiscard]] Word word(std::size_t index) const { return at<Word>(index * sizeof(Word)); }
    [[nodiscard]] bool may_have(Word hash) const {
        constexpr unsigned bits = 8 * sizeof(BloomWord);
        const auto bloom = at<BloomWord>(header_size + hash / bits % blooms_ * sizeof(BloomWord));
        return (bloom >> hash % bits & bloom >> (std::uint64_t{hash} >> shift_ % bits) % bits & 1) != 0;
    }

    std::span<const std::byte> bytes_;
    Word buckets_;
    Word first_symbol_;
    Word blooms_;
    Word shift_;
};

} // namespace

std::optional<std::uint64_t> find_exported(const ElfImage& file, std::string_view name) {
    const ElfW(Shdr)* const hashes = file.section(".gnu.hash");
    const ElfW(Shdr)* const symbols = file.section(".dynsym");
    if (hashes == nullptr || symbols == nullptr || symbols->sh_link >= file.sections().size()) {
        return std::nullopt;
    }
    const std::uint64_t names_at = file.sections()[symbols->sh_link].sh_offset;
    std::optional<std::uint64_t> address;
    HashTable(file.contents(*hashes)).search(hash_of(name), [&](std::uint64_t index) {
        const auto symbol = value_at<ElfW(Sym)>(file.contents(*symbols), index * sizeof(ElfW(Sym)));
        if (symbol.has_value() && symbol->st_shndx != SHN_UNDEF &&
            file.text_at(names_at + symbol->st_name) == name) {
            address = symbol->st_value;
        }
        return address.has_value();
    });
    return address;
}

} // namespace portguard
