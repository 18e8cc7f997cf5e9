#include "tools/common/elf_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <elf.h>

#include "explain/elf_image.h"

namespace portguard::tools {
namespace {

/// Up to the NUL; empty where there is none.
std::string text_at(Bytes bytes, std::uint64_t offset) {
    const Bytes part = part_of(bytes, offset, bytes.size());
    const auto end = std::find(part.begin(), part.end(), std::byte{0});
    return end == part.end() ? std::string()
                             : std::string(reinterpret_cast<const char*>(part.data()),
                                           static_cast<std::size_t>(end - part.begin()));
}

/// The structures of one word size (elf.h).
struct Elf64 {
    using Header = Elf64_Ehdr;
    using Segment = Elf64_Phdr;
    using Entry = Elf64_Dyn;
};
struct Elf32 {
    using Header = Elf32_Ehdr;
    using Segment = Elf32_Phdr;
    using Entry = Elf32_Dyn;
};

template <typename Word>
std::vector<typename Word::Segment> segments_of(Bytes bytes) {
    using Segment = typename Word::Segment;
    std::vector<Segment> segments;
    const auto header = value_at<typename Word::Header>(bytes, 0);
    if (!header || header->e_phentsize != sizeof(Segment)) {
        return segments;
    }
    for (std::uint64_t index = 0; index < header->e_phnum; ++index) {
        const auto segment = value_at<Segment>(bytes, header->e_phoff + index * sizeof(Segment));
        if (!segment) {
            break;
        }
        segments.push_back(*segment);
    }
    return segments;
}

/// Dynamic entries hold addresses; the file has them at offsets.
template <typename Segment>
std::optional<std::uint64_t> offset_of(const std::vector<Segment>& segments, std::uint64_t address) {
    for (const Segment& segment : segments) {
        if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
            address - segment.p_vaddr < segment.p_filesz) {
            return segment.p_offset + (address - segment.p_vaddr);
        }
    }
    return std::nullopt;
}

template <typename Entry>
std::vector<Entry> dynamic_entries(Bytes section) {
    std::vector<Entry> entries;
    for (std::uint64_t offset = 0; const auto entry = value_at<Entry>(section, offset);
         offset += sizeof(Entry)) {
        if (entry->d_tag == DT_NULL) {
            break;
        }
        entries.push_back(*entry);
    }
    return entries;
}

template <typename Word>
void read_dynamic(Bytes bytes, const std::vector<typename Word::Segment>& segments, Bytes section,
                  ElfFile& file) {
    using Entry = typename Word::Entry;
    const std::vector<Entry> entries = dynamic_entries<Entry>(section);
    const auto strings = std::find_if(entries.begin(), entries.end(),
                                      [](const Entry& entry) { return entry.d_tag == DT_STRTAB; });
    if (strings == entries.end()) {
        return;
    }
    const std::optional<std::uint64_t> start = offset_of(segments, strings->d_un.d_ptr);
    if (!start) {
        return;
    }
    const Bytes table = part_of(bytes, *start, bytes.size());
    for (const Entry& entry : entries) {
        if (entry.d_tag == DT_NEEDED) {
            file.needed.push_back(text_at(table, entry.d_un.d_val));
        } else if (entry.d_tag == DT_SONAME) {
            file.soname = text_at(table, entry.d_un.d_val);
        }
    }
}

bool has_go_note(Bytes notes) {
    constexpr std::uint32_t go_build_id = 4; // cmd/internal/buildid
    bool found = false;
    for_each_note(notes, [&found](std::uint32_t type, std::string_view name, Bytes) {
        found = type == go_build_id && name.substr(0, name.find('\0')) == "Go";
        return !found;
    });
    return found;
}

template <typename Word>
void read_parts(Bytes bytes, ElfFile& file) {
    const auto segments = segments_of<Word>(bytes);
    for (const auto& segment : segments) {
        const Bytes content = part_of(bytes, segment.p_offset, segment.p_filesz);
        switch (segment.p_type) {
        case PT_INTERP: file.interpreter = text_at(content, 0); break;
        case PT_DYNAMIC: read_dynamic<Word>(bytes, segments, content, file); break;
        case PT_NOTE: file.is_go = file.is_go || has_go_note(content); break;
        default: break;
        }
    }
}

struct MachineName {
    std::uint16_t machine;
    const char* name;
};
/// EM_LOONGARCH, which <elf.h> has from glibc 2.36 on.
constexpr std::uint16_t loongarch = 258;
constexpr std::array machine_names{
    MachineName{EM_386, "i386"},         MachineName{EM_X86_64, "x86-64"}, MachineName{EM_ARM, "ARM"},
    MachineName{EM_AARCH64, "AArch64"},  MachineName{EM_RISCV, "RISC-V"},  MachineName{EM_PPC64, "PowerPC"},
    MachineName{loongarch, "LoongArch"}, MachineName{EM_S390, "S/390"},    MachineName{EM_MIPS, "MIPS"},
};

} // namespace

std::optional<ElfFile> read_elf(Bytes bytes) {
    const auto ident = value_at<std::array<unsigned char, EI_NIDENT>>(bytes, 0);
    if (!ident || std::memcmp(ident->data(), ELFMAG, SELFMAG) != 0) {
        return std::nullopt;
    }
    // e_machine stands at the same place whatever the word size.
    const auto machine = value_at<std::array<unsigned char, 2>>(bytes, offsetof(Elf32_Ehdr, e_machine));
    if (!machine) {
        return std::nullopt;
    }
    ElfFile file;
    file.word_bits = (*ident)[EI_CLASS] == ELFCLASS64 ? 64 : 32;
    file.little_endian = (*ident)[EI_DATA] == ELFDATA2LSB;
    const std::size_t low = file.little_endian ? 0 : 1;
    file.machine = static_cast<std::uint16_t>((*machine)[low] | ((*machine)[1 - low] << 8U));
    constexpr bool own_order = std::endian::native == std::endian::little;
    if (file.little_endian == own_order) {
        file.word_bits == 64 ? read_parts<Elf64>(bytes, file) : read_parts<Elf32>(bytes, file);
    }
    return file;
}

std::string machine_name(std::uint16_t machine) {
    for (const MachineName& entry : machine_names) {
        if (entry.machine == machine) {
            return entry.name;
        }
    }
    return "machine " + std::to_string(machine);
}

} // namespace portguard::tools
