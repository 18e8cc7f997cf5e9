#include "explain/program_memory.h"

#include <algorithm>
#include <cstring>

#include <unistd.h>

#include "core/text.h"

namespace portguard {
namespace {

/// True if code at `offset` of the file belongs to `segment`, which is mapped from the beginning of a page.
bool holds(const ElfW(Phdr) & segment, std::uint64_t offset) {
    const std::uint64_t start = segment.p_offset & ~std::uint64_t{4095};
    return segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 && offset >= start &&
           offset < segment.p_offset + segment.p_filesz;
}

} // namespace

ProgramMemory::ProgramMemory(Stack stack, std::vector<Mapping> mappings, int memory)
    : stack_(stack), mappings_(std::move(mappings)), memory_(memory) {}

const Mapping* ProgramMemory::mapping_of(std::uint64_t address) const {
    const auto after =
        std::upper_bound(mappings_.begin(), mappings_.end(), address,
                         [](std::uint64_t value, const Mapping& mapping) { return value < mapping.end; });
    return after != mappings_.end() && after->contains(address) ? &*after : nullptr;
}

bool ProgramMemory::is_of_stack(std::uint64_t address) const {
    const Mapping* const mapping = mapping_of(address);
    return mapping != nullptr && mapping->contains(stack_.start);
}

bool ProgramMemory::read(std::uint64_t address, std::span<std::byte> out) {
    // The copy first: the thread may run on meanwhile.
    if (read_stack(address, out)) {
        return true;
    }
    const Mapping* const mapping = mapping_of(address);
    // A file's bytes cost no system call; where the program may have written, they are not what it has.
    if (mapping != nullptr && !mapping->is_writable && read_file(*mapping, address, out)) {
        return true;
    }
    if (memory_ >= 0 && read_page(address, out)) {
        return true;
    }
    if (mapping != nullptr && mapping->is_writable && read_file(*mapping, address, out)) {
        return true;
    }
    if (missed_ == 0 && mapping != nullptr) {
        missed_ = address;
    }
    return false;
}

bool ProgramMemory::read_stack(std::uint64_t address, std::span<std::byte> out) const {
    const std::uint64_t offset = address - stack_.start;
    if (address < stack_.start || offset >= stack_.bytes.size() ||
        out.size() > stack_.bytes.size() - offset) {
        return false;
    }
    std::memcpy(out.data(), stack_.bytes.data() + offset, out.size());
    return true;
}

bool ProgramMemory::read_file(const Mapping& mapping, std::uint64_t address, std::span<std::byte> out) {
    const ElfImage* const file = file_of(mapping);
    if (file == nullptr || out.size() > mapping.end - address) {
        return false;
    }
    const auto bytes = part_of(file->bytes(), mapping.offset + (address - mapping.start), out.size());
    if (bytes.empty()) {
        return false;
    }
    // Behind its end the kernel fills the last page with zeros.
    std::fill(std::copy(bytes.begin(), bytes.end(), out.begin()), out.end(), std::byte{0});
    return true;
}

bool ProgramMemory::read_page(std::uint64_t address, std::span<std::byte> out) {
    while (!out.empty()) {
        const std::uint64_t start = address & ~std::uint64_t{page_size - 1};
        std::unique_ptr<Page>& page = pages_[start];
        if (page == nullptr) {
            auto read = std::make_unique<Page>();
            if (pread(memory_, read->data(), page_size, static_cast<off_t>(start)) != ssize_t{page_size}) {
                pages_.erase(start);
                return false;
            }
            page = std::move(read);
        }
        const auto offset = static_cast<std::size_t>(address - start);
        const std::size_t length = std::min(out.size(), page_size - offset);
        std::memcpy(out.data(), page->data() + offset, length);
        out = out.subspan(length);
        address += length;
    }
    return true;
}

const ElfImage* ProgramMemory::file_of(const Mapping& mapping) {
    if (mapping.is_deleted || mapping.inode == 0 || !mapping.path.starts_with('/')) {
        return nullptr;
    }
    const auto [entry, is_new] = files_.try_emplace(mapping.path);
    if (is_new) {
        entry->second = ElfImage::open(mapping.path);
        // Another file, put in its place under the running program.
        if (entry->second != nullptr && entry->second->inode() != mapping.inode) {
            entry->second.reset();
        }
    }
    return entry->second.get();
}

const Mapping& ProgramMemory::first_mapping_of(const Mapping& mapping) const {
    const Mapping* first = &mapping;
    for (const Mapping* other = first; other >= mappings_.data() && first->offset != 0; --other) {
        if (other->is_same_file(mapping) && other->offset < first->offset) {
            first = other;
        }
    }
    return *first;
}

std::unique_ptr<CodeImage> ProgramMemory::make_image(const Mapping& mapping) {
    auto image = std::make_unique<CodeImage>();
    const Mapping& first = first_mapping_of(mapping);
    image->path = mapping.path;
    image->start = first.start;
    image->file = file_of(mapping);
    if (image->file != nullptr) {
        image->segments = image->file->segments();
    } else {
        std::array<std::byte, page_size> header;
        if (first.offset == 0 && read(first.start, header)) {
            image->segments = read_segments(header);
        }
    }
    const auto segment = std::find_if(image->segments.begin(), image->segments.end(),
                                      [&](const ElfW(Phdr) & each) { return holds(each, mapping.offset); });
    if (segment == image->segments.end() && (image->file != nullptr || !image->segments.empty())) {
        return nullptr;
    }
    // Without the headers, as linkers lay out a shared object.
    image->bias = segment == image->segments.end()
                      ? first.start - first.offset
                      : mapping.start - mapping.offset + segment->p_offset - segment->p_vaddr;
    image->build_id = image->file != nullptr ? image->file->build_id() : build_id_in_memory(*image);
    return image;
}

std::string ProgramMemory::build_id_in_memory(const CodeImage& image) {
    constexpr std::uint64_t most_note_bytes = 4096;
    for (const ElfW(Phdr) & segment : image.segments) {
        if (segment.p_type == PT_NOTE && segment.p_memsz <= most_note_bytes) {
            std::vector<std::byte> notes(segment.p_memsz);
            std::string id = read(image.bias + segment.p_vaddr, notes) ? find_build_id(notes) : std::string{};
            if (!id.empty()) {
                return id;
            }
        }
    }
    return {};
}

const CodeImage* ProgramMemory::image_of(std::uint64_t address) {
    const Mapping* const mapping = mapping_of(address);
    // What has neither is memory of the program's own, whatever bytes it has put there.
    if (mapping == nullptr || (mapping->inode == 0 && mapping->path != "[vdso]")) {
        return nullptr;
    }
    const auto [entry, is_new] = images_.try_emplace(mapping->start);
    if (is_new) {
        entry->second = make_image(*mapping);
    }
    return entry->second.get();
}

const CodeImage* ProgramMemory::image_named(std::string_view prefix) {
    for (const Mapping& mapping : mappings_) {
        if (base_name(mapping.path).starts_with(prefix)) {
            if (const CodeImage* const image = image_of(mapping.start)) {
                return image;
            }
        }
    }
    return nullptr;
}

} // namespace portguard
