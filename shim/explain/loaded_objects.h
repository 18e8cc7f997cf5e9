// Which file an address comes from: dl_iterate_phdr(3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <link.h>

namespace portguard {

struct LoadedObject {
    /// As the loader knows it; the main program's from /proc/self/exe, or its name where that is not to be
    /// had.
    std::string path;
    /// What is added to the file's addresses.
    std::uintptr_t base = 0;
    /// Lower-case hexadecimal; empty where the linker made none.
    std::string build_id;
};

/// For each of `addresses` the index into `objects` of what it lies in, or npos (code that was made at run
/// time).
struct ObjectMap {
    static constexpr std::size_t npos = static_cast<std::size_t>(-1);
    std::vector<LoadedObject> objects;
    std::vector<std::size_t> object_of;
};

ObjectMap map_objects(std::span<const std::uintptr_t> addresses);

/// The build-id in ELF notes, as hexadecimal; empty: none. Takes any bytes.
std::string find_build_id(std::span<const std::byte> notes);

} // namespace portguard
