#include "explain/frame_records.h"

#include <cstring>
#include <string_view>

#include "explain/elf_image.h"

namespace portguard {
namespace {

// DW_EH_PE_* of the Linux Standard Base.
constexpr std::uint8_t encoding_absolute = 0x00;
constexpr std::uint8_t encoding_relative = 0x10;
constexpr std::uint8_t encoding_place = 0x70;
constexpr std::uint8_t encoding_format = 0x0f;

/// An address or a length in a program that has our word size.
using ProgramWord = ElfW(Addr);

/// Reads on and on; what would lie beyond the end is 0, and said by failed().
class Reader {
public:
    Reader(std::span<const std::byte> bytes, std::uint64_t at) : bytes_(bytes), at_(at) {}

    template <typename Value>
    Value take() {
        const auto value = value_at<Value>(bytes_, at_);
        failed_ = failed_ || !value.has_value();
        at_ += sizeof(Value);
        return value.value_or(Value{});
    }

    std::uint64_t take_leb128() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const auto byte = take<std::uint8_t>();
            value |= std::uint64_t{byte & 0x7fU} << shift;
            if ((byte & 0x80) == 0) {
                return value;
            }
        }
        failed_ = true;
        return 0;
    }

    std::string_view take_text() {
        const auto rest = part_of(bytes_, at_, bytes_.size());
        const auto* text = reinterpret_cast<const char*>(rest.data());
        const std::size_t length = rest.empty() ? 0 : strnlen(text, rest.size());
        failed_ = failed_ || length == rest.size();
        at_ += length + 1;
        return {text, length};
    }

    /// DW_EH_PE_*, of which compilers use these.
    std::uint64_t take_encoded(std::uint8_t format) {
        switch (format) {
        case 0x00: return take<ProgramWord>();
        case 0x02: return take<std::uint16_t>();
        case 0x03: return take<std::uint32_t>();
        case 0x04: return take<std::uint64_t>();
        case 0x0a: return static_cast<std::uint64_t>(std::int64_t{take<std::int16_t>()});
        case 0x0b: return static_cast<std::uint64_t>(std::int64_t{take<std::int32_t>()});
        case 0x0c: return take<std::uint64_t>();
        default: failed_ = true; return 0;
        }
    }

    [[nodiscard]] std::uint64_t at() const { return at_; }
    [[nodiscard]] bool failed() const { return failed_; }

private:
    std::span<const std::byte> bytes_;
    std::uint64_t at_;
    bool failed_ = false;
};

struct Common {
    std::uint8_t version = 0;
    std::string_view augmentation;
    /// Of the addresses in records that have this in common.
    std::uint8_t encoding = encoding_absolute;
    /// Offset of what follows the augmentation text.
    std::uint64_t rest_at = 0;
    std::uint64_t end = 0;
};

/// In the 32-bit form of DWARF, the only one that is in use for these sections.
std::optional<Common> read_common(const FrameSection& section, std::uint64_t at) {
    Reader reader(section.bytes, at);
    Common common;
    const auto length = reader.take<std::uint32_t>();
    common.end = reader.at() + length;
    const auto id = reader.take<std::uint32_t>();
    common.version = reader.take<std::uint8_t>();
    common.augmentation = reader.take_text();
    common.rest_at = reader.at();
    if (reader.failed() || id != (section.is_debug_frame ? 0xffffffffU : 0U)) {
        return std::nullopt;
    }
    if (!common.augmentation.starts_with('z')) {
        return common;
    }
    reader.take_leb128(); // code alignment
    reader.take_leb128(); // data alignment
    if (common.version == 1) {
        reader.take<std::uint8_t>(); // the register of the return address
    } else {
        reader.take_leb128();
    }
    reader.take_leb128(); // length of the augmentation
    for (const char letter : common.augmentation.substr(1)) {
        if (letter == 'R') {
            common.encoding = reader.take<std::uint8_t>();
        } else if (letter == 'P') {
            const auto encoding = reader.take<std::uint8_t>();
            reader.take_encoded(encoding & encoding_format);
        } else if (letter == 'L') {
            reader.take<std::uint8_t>();
        }
    }
    return reader.failed() ? std::nullopt : std::optional(common);
}

/// Nothing: it is not a function's, or none that can be read.
std::optional<FrameRecord> read_record(const FrameSection& section, std::uint64_t at) {
    Reader reader(section.bytes, at);
    reader.take<std::uint32_t>();
    const std::uint64_t pointer_at = reader.at();
    const auto pointer = reader.take<std::uint32_t>();
    if (pointer == (section.is_debug_frame ? 0xffffffffU : 0U)) {
        return std::nullopt;
    }
    FrameRecord record;
    record.at = at;
    record.common_at = section.is_debug_frame ? pointer : pointer_at - pointer;
    const auto common = read_common(section, record.common_at);
    const std::uint8_t place = common.has_value() ? common->encoding & encoding_place : encoding_place;
    if (place != encoding_absolute && place != encoding_relative) {
        return std::nullopt;
    }
    const std::uint8_t format = common->encoding & encoding_format;
    const std::uint64_t here = section.address + reader.at();
    record.start = reader.take_encoded(format) + (place == encoding_relative ? here : 0);
    // A length has no sign.
    record.length = reader.take_encoded(format & 0x07);
    return reader.failed() ? std::nullopt : std::optional(record);
}

/// The length of a record stands before it.
void end_record(std::vector<std::byte>& out, std::size_t at) {
    while (out.size() % 8 != 0) {
        out.push_back(std::byte{0}); // DW_CFA_nop
    }
    const auto length = static_cast<std::uint32_t>(out.size() - at - sizeof(std::uint32_t));
    std::memcpy(out.data() + at, &length, sizeof length);
}

} // namespace

std::optional<FrameRecord> find_frame_record(const FrameSection& section, std::uint64_t address) {
    std::uint64_t at = 0;
    while (const auto length = value_at<std::uint32_t>(section.bytes, at)) {
        if (*length == 0 || *length >= 0xfffffff0U) {
            break;
        }
        const auto record = read_record(section, at);
        if (record.has_value() && address >= record->start && address - record->start < record->length) {
            return record;
        }
        at += sizeof *length + *length;
    }
    return std::nullopt;
}

EhFrame as_eh_frame(const FrameSection& debug_frame, const FrameRecord& record, std::uint64_t start) {
    constexpr std::size_t longest = 65536;
    const auto common = read_common(debug_frame, record.common_at);
    const auto length = value_at<std::uint32_t>(debug_frame.bytes, record.at);
    if (!common.has_value() || !length.has_value() || !common->augmentation.empty() || *length > longest ||
        common->end > debug_frame.bytes.size() || common->end - record.common_at > longest) {
        return {};
    }
    EhFrame made;
    append_value(made.bytes, std::uint32_t{0});
    append_value(made.bytes, std::uint32_t{0});
    // Version 4 has two more bytes than 3, the sizes of an address and of a segment, and is no version of
    // .eh_frame.
    const bool is_later = common->version >= 4;
    append_value(made.bytes, is_later ? std::uint8_t{3} : common->version);
    append_value(made.bytes, std::uint8_t{0});
    const std::uint64_t rest_at = common->rest_at + (is_later ? 2 : 0);
    const auto rest = part_of(debug_frame.bytes, rest_at, common->end - rest_at);
    made.bytes.insert(made.bytes.end(), rest.begin(), rest.end());
    end_record(made.bytes, 0);

    made.record_at = made.bytes.size();
    append_value(made.bytes, std::uint32_t{0});
    append_value(made.bytes, static_cast<std::uint32_t>(made.bytes.size()));
    append_value(made.bytes, static_cast<ProgramWord>(start));
    append_value(made.bytes, static_cast<ProgramWord>(record.length));
    constexpr std::size_t head = 2 * sizeof(std::uint32_t) + 2 * sizeof(ProgramWord);
    const auto program = part_of(debug_frame.bytes, record.at + head, *length + sizeof(std::uint32_t) - head);
    made.bytes.insert(made.bytes.end(), program.begin(), program.end());
    end_record(made.bytes, made.record_at);
    return made;
}

} // namespace portguard
