#include "explain/unwind_table.h"

#include <algorithm>

#include "explain/frame_records.h"

namespace portguard {
namespace {

struct Entry {
    std::int32_t function = 0;
    std::int32_t record = 0;
};

/// A table of one function, whose record is at `record_at`. It lies over the image's ELF header, which nobody
/// reads while a frame is undone: within the 2 GiB that an entry reaches, and where no stack can be.
UnwindTable table_of_one(const CodeImage& image, std::uint64_t function, std::uint64_t record_at) {
    UnwindTable table{image.start, image.start, 1, {}};
    append_value(table.made_up, Entry{static_cast<std::int32_t>(function - image.start),
                                      static_cast<std::int32_t>(record_at - image.start)});
    return table;
}

std::optional<UnwindTable> table_from_eh_frame(const CodeImage& image, std::uint64_t address) {
    const auto* const section = image.file->section(".eh_frame");
    if (section == nullptr) {
        return std::nullopt;
    }
    const FrameSection frames{image.file->contents(*section), section->sh_addr, false};
    const auto record = find_frame_record(frames, address - image.bias);
    if (!record.has_value()) {
        return std::nullopt;
    }
    return table_of_one(image, record->start + image.bias, section->sh_addr + record->at + image.bias);
}

std::optional<UnwindTable> table_from_debug_frame(const CodeImage& image, std::uint64_t address) {
    const auto* const section = image.file->section(".debug_frame");
    if (section == nullptr) {
        return std::nullopt;
    }
    const FrameSection frames{image.file->contents(*section), 0, true};
    const auto record = find_frame_record(frames, address - image.bias);
    if (!record.has_value()) {
        return std::nullopt;
    }
    const std::uint64_t function = record->start + image.bias;
    const EhFrame made = as_eh_frame(frames, *record, function);
    if (made.bytes.empty()) {
        return std::nullopt;
    }
    UnwindTable table = table_of_one(image, function, image.start + sizeof(Entry) + made.record_at);
    table.made_up.insert(table.made_up.end(), made.bytes.begin(), made.bytes.end());
    return table;
}

} // namespace

std::optional<UnwindTable> find_sorted_table(const CodeImage& image, ProgramMemory& memory) {
    const auto segment = std::find_if(image.segments.begin(), image.segments.end(),
                                      [](const ElfW(Phdr) & each) { return each.p_type == PT_GNU_EH_FRAME; });
    if (segment == image.segments.end()) {
        return std::nullopt;
    }
    const std::uint64_t at = image.bias + segment->p_vaddr;
    struct Header {
        std::uint8_t version;
        std::uint8_t frames_encoding;
        std::uint8_t count_encoding;
        std::uint8_t table_encoding;
        std::int32_t frames;
        std::uint32_t count;
    };
    const auto header = memory.value<Header>(at);
    // As every linker writes it: four bytes each, the entries counted from the header (DW_EH_PE_datarel).
    const bool is_known = header.has_value() && header->version == 1 && header->frames_encoding == 0x1b &&
                          header->count_encoding == 0x03 && header->table_encoding == 0x3b;
    if (!is_known || header->count == 0) {
        return std::nullopt;
    }
    return UnwindTable{at, at + sizeof(Header), header->count, {}};
}

std::optional<UnwindTable> make_table(const CodeImage& image, std::uint64_t address) {
    if (image.file == nullptr) {
        return std::nullopt;
    }
    auto table = table_from_eh_frame(image, address);
    return table.has_value() ? table : table_from_debug_frame(image, address);
}

} // namespace portguard
