// An ELF file as it lies on the disk. Any bytes are taken: nothing beyond them is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <link.h>

namespace portguard {

/// A copy of the value at `offset` in `bytes`; nothing where they end before.
template <typename Value>
std::optional<Value> value_at(std::span<const std::byte> bytes, std::uint64_t offset) {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(Value)) {
        return std::nullopt;
    }
    Value value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

template <typename Value>
void append_value(std::vector<std::byte>& bytes, const Value& value) {
    bytes.resize(bytes.size() + sizeof value);
    std::memcpy(bytes.data() + bytes.size() - sizeof value, &value, sizeof value);
}

/// As much of it as there is.
std::span<const std::byte> part_of(std::span<const std::byte> bytes, std::uint64_t offset,
                                   std::uint64_t length);

/// The program headers; `header` are the bytes from the ELF header on. Empty: no file of this word size and
/// order.
std::vector<ElfW(Phdr)> read_segments(std::span<const std::byte> header);

/// `visit(type, name, value)` for each of the ELF notes, until it returns false. The name has its NUL. Notes
/// are padded to four bytes, whatever the word size (elf(5)).
template <typename Visit>
void for_each_note(std::span<const std::byte> notes, Visit visit) {
    constexpr auto padded = [](std::uint64_t size) { return (size + 3) & ~std::uint64_t{3}; };
    while (const auto header = value_at<ElfW(Nhdr)>(notes, 0)) {
        const std::uint64_t value_offset = sizeof *header + padded(header->n_namesz);
        const std::span<const std::byte> name = part_of(notes, sizeof *header, header->n_namesz);
        const std::span<const std::byte> value = part_of(notes, value_offset, header->n_descsz);
        if (name.size() != header->n_namesz || value.size() != header->n_descsz ||
            !visit(header->n_type, std::string_view(reinterpret_cast<const char*>(name.data()), name.size()),
                   value)) {
            return;
        }
        notes = part_of(notes, value_offset + padded(header->n_descsz), notes.size());
    }
}

/// The build-id in ELF notes, as lower-case hexadecimal; empty: none.
std::string find_build_id(std::span<const std::byte> notes);

/// Mapped and not read: where the file is cut meanwhile, SIGBUS ends this process, and the program is told
/// about in a line.
class ElfImage {
public:
    /// Null: not to be opened, empty, or no memory.
    static std::unique_ptr<ElfImage> open(const std::string& path);
    ElfImage(const ElfImage&) = delete;
    ElfImage& operator=(const ElfImage&) = delete;
    ~ElfImage();

    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
    [[nodiscard]] std::uint64_t inode() const { return inode_; }
    [[nodiscard]] const std::vector<ElfW(Phdr)>& segments() const { return segments_; }
    [[nodiscard]] const std::vector<ElfW(Shdr)>& sections() const { return sections_; }
    [[nodiscard]] std::string_view section_name(const ElfW(Shdr) & section) const;
    /// Null: it has none, or one that is compressed.
    [[nodiscard]] const ElfW(Shdr) * section(std::string_view name) const;
    /// Empty for .bss and its like.
    [[nodiscard]] std::span<const std::byte> contents(const ElfW(Shdr) & section) const;
    /// Text up to its NUL.
    [[nodiscard]] std::string_view text_at(std::uint64_t offset) const;
    [[nodiscard]] std::string build_id() const;

private:
    explicit ElfImage(std::span<std::byte> bytes, std::uint64_t inode);

    std::span<std::byte> bytes_;
    std::uint64_t inode_;
    std::vector<ElfW(Phdr)> segments_;
    std::vector<ElfW(Shdr)> sections_;
    std::uint64_t names_at_ = 0;
};

} // namespace portguard
