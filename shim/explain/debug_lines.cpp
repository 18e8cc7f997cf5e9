#include "explain/debug_lines.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <new>
#include <string_view>

#include <dlfcn.h>
#include <elfutils/libdw.h>
#include <sys/stat.h>

#include "kernel/syscalls.h"

// Of the program's run-time, if it has one. Not asked for by dlsym: where that finds nothing, the program's
// next dlerror would tell it so.
extern "C" {
[[gnu::weak]] void __tsan_init();
[[gnu::weak]] void __asan_init();
[[gnu::weak]] void __msan_init();
[[gnu::weak]] void __lsan_init();
[[gnu::weak]] const void* __sanitizer_get_allocated_begin(const void* block);
}

namespace portguard {
namespace {

constexpr off_t largest_file = 64L * 1024 * 1024;

struct Libdw {
    decltype(&elf_version) version = nullptr;
    decltype(&elf_memory) begin = nullptr;
    decltype(&elf_end) end = nullptr;
    decltype(&dwarf_begin_elf) dwarf_begin = nullptr;
    decltype(&::dwarf_end) dwarf_end = nullptr;
    decltype(&dwarf_addrdie) die_of_address = nullptr;
    decltype(&dwarf_nextcu) next_unit = nullptr;
    decltype(&dwarf_offdie) die_at = nullptr;
    decltype(&dwarf_haspc) has_address = nullptr;
    decltype(&dwarf_getsrc_die) line_of_address = nullptr;
    decltype(&dwarf_linesrc) file_of_line = nullptr;
    decltype(&dwarf_lineno) number_of_line = nullptr;
};

template <typename Function>
bool resolve(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    return function != nullptr;
}

/// Loaded once and never unloaded; dlopen itself makes threads that come at once safe.
bool load(Libdw& dw) {
    void* const library = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
    return library != nullptr && resolve(library, "elf_version", dw.version) &&
           resolve(library, "elf_memory", dw.begin) && resolve(library, "elf_end", dw.end) &&
           resolve(library, "dwarf_begin_elf", dw.dwarf_begin) &&
           resolve(library, "dwarf_end", dw.dwarf_end) &&
           resolve(library, "dwarf_addrdie", dw.die_of_address) &&
           resolve(library, "dwarf_nextcu", dw.next_unit) && resolve(library, "dwarf_offdie", dw.die_at) &&
           resolve(library, "dwarf_haspc", dw.has_address) &&
           resolve(library, "dwarf_getsrc_die", dw.line_of_address) &&
           resolve(library, "dwarf_linesrc", dw.file_of_line) &&
           resolve(library, "dwarf_lineno", dw.number_of_line);
}

/// The compilation unit of an address. Clang makes no .debug_aranges, the index that dwarf_addrdie needs.
bool find_unit(const Libdw& dw, Dwarf* debug, Dwarf_Addr address, const Deadline& deadline, Dwarf_Die& unit) {
    if (dw.die_of_address(debug, address, &unit) != nullptr) {
        return true;
    }
    Dwarf_Off offset = 0;
    Dwarf_Off next = 0;
    std::size_t header_size = 0;
    while (!deadline.passed() &&
           dw.next_unit(debug, offset, &next, &header_size, nullptr, nullptr, nullptr) == 0) {
        if (dw.die_at(debug, offset + header_size, &unit) != nullptr && dw.has_address(&unit, address) == 1) {
            return true;
        }
        offset = next;
    }
    return false;
}

SourceLine find_line(const Libdw& dw, Dwarf* debug, Dwarf_Addr address, const Deadline& deadline) {
    SourceLine found;
    Dwarf_Die unit;
    if (!find_unit(dw, debug, address, deadline, unit)) {
        return found;
    }
    Dwarf_Line* const line = dw.line_of_address(&unit, address);
    const char* const file = line == nullptr ? nullptr : dw.file_of_line(line, nullptr, nullptr);
    if (file != nullptr) {
        found.file = file;
        dw.number_of_line(line, &found.line);
    }
    return found;
}

/// A whole file, or nothing. Not mapped: a mapped file may shrink (SIGBUS).
struct FileImage {
    std::unique_ptr<char[]> bytes;
    std::size_t length = 0;
};

FileImage read_whole(int fd) {
    struct stat file {};
    if (direct::fstat(fd, &file) != 0 || file.st_size <= 0 || file.st_size > largest_file) {
        return {};
    }
    const auto length = static_cast<std::size_t>(file.st_size);
    FileImage image{std::unique_ptr<char[]>(new (std::nothrow) char[length]), length};
    if (image.bytes == nullptr ||
        direct::pread(fd, image.bytes.get(), length, 0) != static_cast<ssize_t>(length)) {
        return {};
    }
    return image;
}

/// Libdw ends the program where it has no memory (__libdw_oom), and so does libc where there is none for the
/// thread-local storage of libdw and libelf: what they need has to be there to begin with.
bool has_headroom() {
    constexpr std::size_t headroom = std::size_t{4} << 20;
    // volatile: a block that nobody looks at need not be allocated at all.
    char* volatile block = new (std::nothrow) char[headroom];
    const bool had = block != nullptr;
    delete[] block;
    return had;
}

bool has_option(const char* variable, std::string_view option) {
    const char* const options = std::getenv(variable);
    return options != nullptr && std::string_view(options).find(option) != std::string_view::npos;
}

/// A run-time that looks at thread-local storage, and the variable with its options.
struct Sanitizer {
    bool is_here;
    const char* options;
};

} // namespace

// The run-time takes storage that stands 16 bytes into a page for glibc 2.19's, and believes the two words
// before it to be its size and place. Those are of another block: of one thread in 256 TSan clears the shadow
// of what they name, and LeakSanitizer reads there at the end. Later ones ask their allocator.
bool is_libdw_fatal() {
    if (__sanitizer_get_allocated_begin != nullptr) {
        return false;
    }
    const std::array<Sanitizer, 4> sanitizers{{{__tsan_init != nullptr, "TSAN_OPTIONS"},
                                               {__asan_init != nullptr, "ASAN_OPTIONS"},
                                               {__msan_init != nullptr, "MSAN_OPTIONS"},
                                               {__lsan_init != nullptr, "LSAN_OPTIONS"}}};
    return std::any_of(sanitizers.begin(), sanitizers.end(), [](const Sanitizer& sanitizer) {
        return sanitizer.is_here && !has_option(sanitizer.options, "intercept_tls_get_addr=0");
    });
}

std::vector<SourceLine> read_lines(int fd, std::span<const std::uint64_t> addresses,
                                   const Deadline& deadline) {
    std::vector<SourceLine> lines(addresses.size());
    Libdw dw;
    const FileImage image = read_whole(fd);
    if (image.bytes == nullptr || !has_headroom() || !load(dw) || dw.version(EV_CURRENT) == EV_NONE) {
        return lines;
    }
    Elf* const elf = dw.begin(image.bytes.get(), image.length);
    Dwarf* const debug = elf == nullptr ? nullptr : dw.dwarf_begin(elf, DWARF_C_READ, nullptr);
    for (std::size_t index = 0; debug != nullptr && index < addresses.size(); ++index) {
        lines[index] = find_line(dw, debug, addresses[index], deadline);
    }
    if (debug != nullptr) {
        dw.dwarf_end(debug);
    }
    if (elf != nullptr) {
        dw.end(elf);
    }
    return lines;
}

} // namespace portguard
