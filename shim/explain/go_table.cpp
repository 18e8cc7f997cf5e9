#include "explain/go_table.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <elf.h>

namespace portguard {
namespace {

constexpr std::uint32_t magic_1_2 = 0xfffffffb;
constexpr std::uint32_t magic_1_16 = 0xfffffffa;
constexpr std::uint32_t magic_1_18 = 0xfffffff0;
constexpr std::uint32_t magic_1_20 = 0xfffffff1;
constexpr std::uint64_t header_words_at = 8;
constexpr std::size_t longest_text = 1024;
// Steps of one function's values; the longest of kube-apiserver has some thousands.
constexpr unsigned most_steps = 1U << 20;

/// A little-endian base-128 number, as encoding/binary has it. Nothing: it goes on beyond the end.
std::optional<std::uint32_t> take_number(std::span<const std::byte> bytes, std::uint64_t& at) {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        const auto byte = value_at<std::uint8_t>(bytes, at++);
        if (!byte.has_value()) {
            return std::nullopt;
        }
        value |= static_cast<std::uint32_t>(*byte & 0x7fU) << shift;
        if ((*byte & 0x80) == 0) {
            return value;
        }
    }
    return std::nullopt;
}

/// Zigzag.
constexpr std::uint32_t as_difference(std::uint32_t number) {
    return (number & 1) != 0 ? ~(number >> 1) : number >> 1;
}

} // namespace

std::optional<GoTable> GoTable::read(std::span<const std::byte> bytes, std::uint64_t text_start) {
    std::optional<GoTable> table;
    switch (value_at<std::uint32_t>(bytes, 0).value_or(0)) {
    case magic_1_2: table = GoTable(bytes, Version::go_1_2); break;
    case magic_1_16: table = GoTable(bytes, Version::go_1_16); break;
    case magic_1_18:
    case magic_1_20: table = GoTable(bytes, Version::go_1_18); break;
    default: return std::nullopt;
    }
    return table->read_header(text_start) ? table : std::nullopt;
}

bool GoTable::read_header(std::uint64_t text_start) {
    quantum_ = value_at<std::uint8_t>(bytes_, 6).value_or(0);
    word_size_ = value_at<std::uint8_t>(bytes_, 7).value_or(0);
    if ((quantum_ != 1 && quantum_ != 2 && quantum_ != 4) || (word_size_ != 4 && word_size_ != 8)) {
        return false;
    }
    const auto header = [this](unsigned index) {
        return word(header_words_at + std::uint64_t{index} * word_size_).value_or(bytes_.size());
    };
    functions_ = header(0);
    if (version_ == Version::go_1_2) {
        // Everything counts from the beginning.
        functions_at_ = header_words_at + word_size_;
        const std::uint64_t entry = 2 * std::uint64_t{word_size_};
        files_at_ = functions_ > bytes_.size() / entry
                        ? bytes_.size()
                        : value_at<std::uint32_t>(bytes_, functions_at_ + functions_ * entry + word_size_)
                              .value_or(0);
    } else {
        unsigned next = 2;
        if (version_ == Version::go_1_18) {
            text_start_ = header(next++);
            text_start_ = text_start_ == 0 ? text_start : text_start_;
        }
        names_at_ = header(next);
        units_at_ = header(next + 1);
        files_at_ = header(next + 2);
        values_at_ = header(next + 3);
        functions_at_ = header(next + 4);
        records_at_ = functions_at_;
    }
    // One entry more says where the last function ends.
    return functions_ > 0 && functions_ < bytes_.size() && function_at(functions_).has_value();
}

std::optional<std::uint64_t> GoTable::word(std::uint64_t offset) const {
    return word_size_ == 8 ? value_at<std::uint64_t>(bytes_, offset)
                           : std::optional<std::uint64_t>(value_at<std::uint32_t>(bytes_, offset));
}

std::optional<GoTable::Function> GoTable::function_at(std::uint64_t index) const {
    if (version_ == Version::go_1_18) {
        const std::uint64_t at = functions_at_ + index * 2 * sizeof(std::uint32_t);
        const auto entry = value_at<std::uint32_t>(bytes_, at);
        const auto record = value_at<std::uint32_t>(bytes_, at + sizeof(std::uint32_t));
        if (!entry.has_value()) {
            return std::nullopt;
        }
        return Function{text_start_ + *entry, records_at_ + record.value_or(0)};
    }
    const std::uint64_t at = functions_at_ + index * 2 * word_size_;
    const auto entry = word(at);
    if (!entry.has_value()) {
        return std::nullopt;
    }
    return Function{*entry, records_at_ + word(at + word_size_).value_or(0)};
}

std::optional<GoTable::Function> GoTable::find(std::uint64_t address) const {
    std::uint64_t low = 0;
    std::uint64_t high = functions_;
    // The first that begins behind it.
    while (low < high) {
        const std::uint64_t middle = low + (high - low) / 2;
        const auto function = function_at(middle);
        if (!function.has_value()) {
            return std::nullopt;
        }
        if (function->entry <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const auto end = function_at(functions_);
    return low == 0 || !end.has_value() || address >= end->entry ? std::nullopt : function_at(low - 1);
}

std::optional<std::uint32_t> GoTable::field(const Function& function, Field field) const {
    const std::uint64_t entry_size = version_ == Version::go_1_18 ? sizeof(std::uint32_t) : word_size_;
    return value_at<std::uint32_t>(bytes_, function.at + entry_size +
                                               static_cast<std::uint64_t>(field) * sizeof(std::uint32_t));
}

std::optional<std::int32_t> GoTable::value_for(const Function& function, Field which,
                                               std::uint64_t address) const {
    const auto offset = field(function, which);
    // 0: there are none.
    if (!offset.has_value() || *offset == 0) {
        return std::nullopt;
    }
    std::uint64_t at = values_at_ + *offset;
    std::uint64_t end = function.entry;
    std::uint32_t value = ~0U;
    for (unsigned step = 0; step < most_steps; ++step) {
        const auto change = take_number(bytes_, at);
        const auto length = take_number(bytes_, at);
        if (!change.has_value() || !length.has_value() || (*change == 0 && step > 0)) {
            return std::nullopt;
        }
        value += as_difference(*change);
        end += std::uint64_t{*length} * quantum_;
        if (address < end) {
            return static_cast<std::int32_t>(value);
        }
    }
    return std::nullopt;
}

std::string_view GoTable::text_at(std::uint64_t offset) const {
    const auto part = part_of(bytes_, offset, longest_text);
    const auto* text = reinterpret_cast<const char*>(part.data());
    return {text, part.empty() ? 0 : strnlen(text, part.size())};
}

std::string_view GoTable::name_of(const Function& function) const {
    const auto offset = field(function, Field::name);
    return offset.has_value() ? text_at(names_at_ + *offset) : std::string_view{};
}

std::string_view GoTable::file_name(const Function& function, std::int32_t number) const {
    constexpr std::uint64_t size = sizeof(std::uint32_t);
    const auto index = static_cast<std::uint64_t>(number);
    if (version_ == Version::go_1_2) {
        // Counted from 1; at 0 stands how many there are.
        const auto offset = value_at<std::uint32_t>(bytes_, files_at_ + index * size);
        return number > 0 && offset.has_value() ? text_at(*offset) : std::string_view{};
    }
    const auto unit = field(function, Field::unit);
    const auto offset =
        value_at<std::uint32_t>(bytes_, units_at_ + (unit.value_or(0) + index) * size).value_or(~0U);
    return !unit.has_value() || offset == ~0U ? std::string_view{} : text_at(files_at_ + offset);
}

SourceLine GoTable::line_of(const Function& function, std::uint64_t address) const {
    const auto file = value_for(function, Field::file, address);
    const auto line = value_for(function, Field::line, address);
    if (!file.has_value() || *file < 0 || !line.has_value() || *line <= 0) {
        return {};
    }
    return {std::string(file_name(function, *file)), *line};
}

std::optional<std::uint64_t> GoTable::frame_size(const Function& function, std::uint64_t address) const {
    const auto size = value_for(function, Field::stack, address);
    return size.has_value() && *size >= 0 ? std::optional(static_cast<std::uint64_t>(*size)) : std::nullopt;
}

namespace {

/// What the loader puts at `address`; 0: nothing.
std::uint64_t relocated_value(const ElfImage& file, std::uint64_t address) {
    using Relocation = ElfW(Rela);
    const auto* const section = file.section(".rela.dyn");
    if (section == nullptr) {
        return 0;
    }
    const auto relocations = file.contents(*section);
    for (std::uint64_t at = 0; const auto each = value_at<Relocation>(relocations, at);
         at += sizeof(Relocation)) {
        if (each->r_offset == address) {
            return static_cast<std::uint64_t>(each->r_addend);
        }
    }
    return 0;
}

} // namespace

std::optional<GoTable> find_go_table(const ElfImage& file) {
    for (const char* const name : {".gopclntab", ".data.rel.ro.gopclntab"}) {
        if (const auto* const section = file.section(name); section != nullptr) {
            constexpr unsigned text_start_word = 2;
            const std::uint64_t text_start_at =
                section->sh_addr + header_words_at + text_start_word * sizeof(ElfW(Addr));
            const auto bytes = file.contents(*section);
            const bool is_zero =
                value_at<ElfW(Addr)>(bytes, text_start_at - section->sh_addr).value_or(1) == 0;
            return GoTable::read(bytes, is_zero ? relocated_value(file, text_start_at) : 0);
        }
    }
    return std::nullopt;
}

} // namespace portguard
