// .gopclntab of a program that is explained: its own file, which anybody may have made.
#include <cstddef>
#include <cstdint>
#include <span>

#include "explain/go_table.h"
#include "fuzz/claims.h"

using namespace portguard;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto table = GoTable::read(std::as_bytes(std::span(data, size)), 0x1000);
    if (!table.has_value()) {
        return 0;
    }
    // Those of the seeds, and what wraps around.
    for (const std::uint64_t address :
         {0x0ULL, 0x1000ULL, 0x103fULL, 0x1048ULL, 0x10ffULL, 0x2041ULL, ~0ULL}) {
        const auto function = table->find(address);
        if (!function.has_value()) {
            continue;
        }
        fuzz::require(table->name_of(*function).size() <= size, "a name is in the table");
        const SourceLine line = table->line_of(*function, address);
        fuzz::require(line.file.size() <= size && line.line >= 0, "so is a file, and lines begin at 1");
        static_cast<void>(table->frame_size(*function, address));
    }
    return 0;
}
