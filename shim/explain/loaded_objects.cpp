#include "explain/loaded_objects.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>

#include <elf.h>
#include <unistd.h>

namespace portguard {
namespace {

struct Search {
    std::span<const std::uintptr_t> addresses;
    ObjectMap found;
    bool out_of_memory = false;
};

std::string main_program_path() {
    std::array<char, 4096> path;
    const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
    return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length))
                      : std::string(program_invocation_name);
}

bool contains(const dl_phdr_info& info, std::uintptr_t address) {
    for (std::size_t index = 0; index < info.dlpi_phnum; ++index) {
        const auto& segment = info.dlpi_phdr[index];
        const std::uintptr_t start = info.dlpi_addr + segment.p_vaddr;
        if (segment.p_type == PT_LOAD && address >= start && address < start + segment.p_memsz) {
            return true;
        }
    }
    return false;
}

std::string build_id_of(const dl_phdr_info& info) {
    for (std::size_t index = 0; index < info.dlpi_phnum; ++index) {
        const auto& segment = info.dlpi_phdr[index];
        if (segment.p_type != PT_NOTE) {
            continue;
        }
        const auto* notes = reinterpret_cast<const std::byte*>(info.dlpi_addr + segment.p_vaddr);
        std::string id = find_build_id({notes, segment.p_memsz});
        if (!id.empty()) {
            return id;
        }
    }
    return {};
}

void look_at(const dl_phdr_info& info, Search& search) {
    bool is_new = true;
    for (std::size_t index = 0; index < search.addresses.size(); ++index) {
        if (search.found.object_of[index] != ObjectMap::npos || !contains(info, search.addresses[index])) {
            continue;
        }
        if (is_new) {
            const std::string_view name = info.dlpi_name == nullptr ? "" : info.dlpi_name;
            search.found.objects.push_back(
                {name.empty() ? main_program_path() : std::string(name), info.dlpi_addr, build_id_of(info)});
            is_new = false;
        }
        search.found.object_of[index] = search.found.objects.size() - 1;
    }
}

/// Nothing may be thrown through the frame of dl_iterate_phdr: its clean-up belongs to libgcc_s, which aborts
/// the program over an exception of our own run-time.
int visit(dl_phdr_info* info, std::size_t /*size*/, void* argument) noexcept {
    auto& search = *static_cast<Search*>(argument);
    try {
        look_at(*info, search);
    } catch (const std::bad_alloc&) {
        search.out_of_memory = true;
        return 1;
    }
    return 0;
}

} // namespace

std::string find_build_id(std::span<const std::byte> notes) {
    constexpr auto aligned = [](std::size_t size) { return (size + 3) & ~std::size_t{3}; };
    Elf64_Nhdr header;
    while (notes.size() >= sizeof header) {
        std::memcpy(&header, notes.data(), sizeof header);
        const std::size_t name_at = sizeof header;
        const std::size_t value_at = name_at + aligned(header.n_namesz);
        const std::size_t end = value_at + aligned(header.n_descsz);
        if (value_at + header.n_descsz > notes.size()) {
            return {};
        }
        if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == sizeof ELF_NOTE_GNU &&
            std::memcmp(notes.data() + name_at, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0) {
            std::string id;
            for (const std::byte byte : notes.subspan(value_at, header.n_descsz)) {
                id += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
                id += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
            }
            return id;
        }
        notes = notes.subspan(end < notes.size() ? end : notes.size());
    }
    return {};
}

ObjectMap map_objects(std::span<const std::uintptr_t> addresses) {
    Search search{addresses, {}};
    search.found.object_of.assign(addresses.size(), ObjectMap::npos);
    dl_iterate_phdr(visit, &search);
    if (search.out_of_memory) {
        throw std::bad_alloc();
    }
    return std::move(search.found);
}

} // namespace portguard
