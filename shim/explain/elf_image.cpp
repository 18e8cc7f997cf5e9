#include "explain/elf_image.h"

#include <algorithm>
#include <cstdint>

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/syscalls.h"

namespace portguard {
namespace {

constexpr std::size_t most_sections = 4096;
constexpr std::size_t most_segments = 256;
constexpr std::size_t longest_text = 4096;

/// Of all files that are mapped now.
std::size_t bytes_mapped = 0;

/// Where the address space is limited (H65) the heap needs the rest, or the report fails as a whole. A file
/// that is not mapped costs names.
std::size_t room_for_files() {
    rlimit limit{};
    const bool is_limited = ::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return is_limited ? static_cast<std::size_t>(limit.rlim_cur / 4) : SIZE_MAX;
}

constexpr unsigned char own_class = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;

std::optional<ElfW(Ehdr)> read_header(std::span<const std::byte> bytes) {
    const auto header = value_at<ElfW(Ehdr)>(bytes, 0);
    const bool known = header.has_value() && std::memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
                       header->e_ident[EI_CLASS] == own_class && header->e_ident[EI_DATA] == ELFDATA2LSB;
    return known ? header : std::nullopt;
}

template <typename Entry>
std::vector<Entry> read_table(std::span<const std::byte> bytes, std::uint64_t offset, std::size_t count,
                              std::size_t most) {
    std::vector<Entry> table;
    for (std::size_t index = 0; index < count && count <= most; ++index) {
        const auto entry = value_at<Entry>(bytes, offset + index * sizeof(Entry));
        if (!entry.has_value()) {
            return {};
        }
        table.push_back(*entry);
    }
    return table;
}

} // namespace

std::span<const std::byte> part_of(std::span<const std::byte> bytes, std::uint64_t offset,
                                   std::uint64_t length) {
    if (offset >= bytes.size()) {
        return {};
    }
    const auto start = static_cast<std::size_t>(offset);
    return bytes.subspan(start,
                         static_cast<std::size_t>(std::min<std::uint64_t>(length, bytes.size() - start)));
}

std::vector<ElfW(Phdr)> read_segments(std::span<const std::byte> header) {
    const auto read = read_header(header);
    if (!read.has_value() || read->e_phentsize != sizeof(ElfW(Phdr))) {
        return {};
    }
    return read_table<ElfW(Phdr)>(header, read->e_phoff, read->e_phnum, most_segments);
}

std::string find_build_id(std::span<const std::byte> notes) {
    constexpr std::string_view gnu(ELF_NOTE_GNU, sizeof ELF_NOTE_GNU);
    std::string id;
    for_each_note(notes, [&](std::uint32_t type, std::string_view name, std::span<const std::byte> value) {
        if (type != NT_GNU_BUILD_ID || name != gnu) {
            return true;
        }
        for (const std::byte byte : value) {
            id += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
            id += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
        }
        return false;
    });
    return id;
}

std::unique_ptr<ElfImage> ElfImage::open(const std::string& path) {
    const Syscalls syscalls;
    // O_NONBLOCK: the name may be a FIFO's by now.
    const ScopedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), syscalls);
    struct stat about {};
    if (!file.valid() || fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode) || about.st_size <= 0) {
        return nullptr;
    }
    const auto length = static_cast<std::size_t>(about.st_size);
    if (const std::size_t room = room_for_files(); length > room - std::min(room, bytes_mapped)) {
        return nullptr;
    }
    // Writable, and the file's no longer where it is written to: libelf may convert in place.
    void* const bytes =
        mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.get(), 0);
    if (bytes == MAP_FAILED) {
        return nullptr;
    }
    bytes_mapped += length;
    return std::unique_ptr<ElfImage>(new ElfImage({static_cast<std::byte*>(bytes), length}, about.st_ino));
}

ElfImage::ElfImage(std::span<std::byte> bytes, std::uint64_t inode) : bytes_(bytes), inode_(inode) {
    const auto header = read_header(bytes_);
    if (!header.has_value()) {
        return;
    }
    segments_ = read_segments(bytes_);
    if (header->e_shentsize == sizeof(ElfW(Shdr))) {
        sections_ = read_table<ElfW(Shdr)>(bytes_, header->e_shoff, header->e_shnum, most_sections);
    }
    names_at_ = header->e_shstrndx < sections_.size() ? sections_[header->e_shstrndx].sh_offset : 0;
}

ElfImage::~ElfImage() {
    bytes_mapped -= bytes_.size();
    munmap(bytes_.data(), bytes_.size());
}

std::string_view ElfImage::text_at(std::uint64_t offset) const {
    const auto part = part_of(bytes_, offset, longest_text);
    const auto* text = reinterpret_cast<const char*>(part.data());
    return {text, part.empty() ? 0 : strnlen(text, part.size())};
}

std::string_view ElfImage::section_name(const ElfW(Shdr) & section) const {
    return names_at_ == 0 ? std::string_view{} : text_at(names_at_ + section.sh_name);
}

const ElfW(Shdr) * ElfImage::section(std::string_view name) const {
    const auto found = std::find_if(sections_.begin(), sections_.end(), [&](const ElfW(Shdr) & section) {
        return (section.sh_flags & SHF_COMPRESSED) == 0 && section_name(section) == name;
    });
    return found == sections_.end() ? nullptr : &*found;
}

std::span<const std::byte> ElfImage::contents(const ElfW(Shdr) & section) const {
    return section.sh_type == SHT_NOBITS ? std::span<const std::byte>{}
                                         : part_of(bytes_, section.sh_offset, section.sh_size);
}

std::string ElfImage::build_id() const {
    for (const ElfW(Phdr) & segment : segments_) {
        if (segment.p_type == PT_NOTE) {
            std::string id = find_build_id(part_of(bytes_, segment.p_offset, segment.p_filesz));
            if (!id.empty()) {
                return id;
            }
        }
    }
    return {};
}

} // namespace portguard
