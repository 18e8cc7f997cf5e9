// Folders of kernel filesystems, by getdents64(2) and not readdir(3), which allocates per folder.
#pragma once

#include <array>
#include <cstddef>

#include <dirent.h>
#include <sys/types.h>

#include "core/number.h"

namespace portguard {

/// `visit` takes each dirent64 and returns false to end the walk. False: the folder could not be read to its
/// end.
template <typename Visit>
bool for_each_entry(int folder, Visit visit) {
    alignas(dirent64) std::array<char, 8192> entries;
    while (true) {
        const ssize_t length = getdents64(folder, entries.data(), entries.size());
        if (length <= 0) {
            return length == 0;
        }
        for (ssize_t offset = 0; offset < length;) {
            const auto* entry = reinterpret_cast<const dirent64*>(entries.data() + offset);
            offset += entry->d_reclen;
            if (!visit(*entry)) {
                return true;
            }
        }
    }
}

/// Those whose names are numbers.
template <typename Visit>
bool for_each_number(int folder, Visit visit) {
    return for_each_entry(folder, [&](const dirent64& entry) {
        const auto number = parse_number<int>(entry.d_name);
        return !number.has_value() || visit(*number);
    });
}

} // namespace portguard
