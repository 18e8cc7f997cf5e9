#include "explain/scripts/python_lines.h"

#include <cstdint>

namespace portguard {
namespace {

constexpr unsigned python_3_10 = 0x030a;
constexpr unsigned python_3_11 = 0x030b;

unsigned byte_at(std::span<const std::byte> table, std::size_t at) {
    return at < table.size() ? std::to_integer<unsigned>(table[at]) : 0;
}

int signed_byte_at(std::span<const std::byte> table, std::size_t at) {
    return static_cast<std::int8_t>(byte_at(table, at));
}

/// Objects/lnotab_notes.txt of 3.9: pairs of how far an instruction and a line go on.
std::int64_t line_by_lnotab(std::span<const std::byte> table, std::int64_t line, std::size_t instruction) {
    std::size_t address = 0;
    for (std::size_t at = 0; at + 1 < table.size(); at += 2) {
        address += byte_at(table, at);
        if (address > instruction) {
            break;
        }
        line += signed_byte_at(table, at + 1);
    }
    return line;
}

/// Objects/lnotab_notes.txt of 3.10 (PEP 626): pairs of a length and how far the line goes on before it.
std::int64_t line_by_ranges(std::span<const std::byte> table, std::int64_t line, std::size_t instruction) {
    constexpr int no_line = -128;
    std::size_t end = 0;
    for (std::size_t at = 0; at + 1 < table.size(); at += 2) {
        const int step = signed_byte_at(table, at + 1);
        line += step == no_line ? 0 : step;
        end += byte_at(table, at);
        if (instruction < end) {
            return step == no_line ? 0 : line;
        }
    }
    return 0;
}

/// Six bits a byte, the lowest first; the sign is the lowest of all.
int signed_number(std::span<const std::byte> table, std::size_t at) {
    constexpr unsigned more = 0x40;
    constexpr unsigned most_shift = 30;
    std::uint32_t value = 0;
    unsigned byte = more;
    for (unsigned shift = 0; (byte & more) != 0 && shift < most_shift && at < table.size();
         shift += 6, ++at) {
        byte = byte_at(table, at);
        value |= (byte & (more - 1)) << shift;
    }
    const int magnitude = static_cast<int>(value >> 1);
    return (value & 1) != 0 ? -magnitude : magnitude;
}

/// Objects/locations.md of 3.11: entries that each begin with a byte whose highest bit is set.
std::int64_t line_by_locations(std::span<const std::byte> table, std::int64_t line, std::size_t instruction) {
    constexpr unsigned begins = 0x80;
    constexpr unsigned one_line = 10;
    constexpr unsigned no_columns = 13;
    constexpr unsigned long_form = 14;
    constexpr unsigned no_location = 15;
    std::size_t end = 0;
    for (std::size_t at = 0; at < table.size();) {
        const unsigned first = byte_at(table, at);
        const unsigned code = first >> 3 & 15;
        if (code == no_columns || code == long_form) {
            line += signed_number(table, at + 1);
        } else if (code >= one_line && code < no_columns) {
            line += code - one_line;
        }
        end += ((first & 7) + 1) * 2;
        if (instruction < end) {
            return code == no_location ? 0 : line;
        }
        ++at;
        while (at < table.size() && (byte_at(table, at) & begins) == 0) {
            ++at;
        }
    }
    return 0;
}

} // namespace

int python_line(unsigned version, std::span<const std::byte> table, int first_line, std::size_t instruction) {
    // Numbers that a broken table adds up to; no file has as many lines.
    constexpr std::size_t most_bytes = std::size_t{1} << 16;
    constexpr int most_lines = 10'000'000;
    if (table.size() > most_bytes || first_line < 0 || first_line > most_lines) {
        return 0;
    }
    const std::int64_t line = version < python_3_10   ? line_by_lnotab(table, first_line, instruction)
                              : version < python_3_11 ? line_by_ranges(table, first_line, instruction)
                                                      : line_by_locations(table, first_line, instruction);
    return line < 0 || line > most_lines ? 0 : static_cast<int>(line);
}

} // namespace portguard
