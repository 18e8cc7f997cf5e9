#include "explain/catalog.h"

#include <array>
#include <cstdint>
#include <string_view>

#include "core/hash.h"
#include "core/text.h"

namespace portguard {
namespace {

struct Entry {
    Cause cause;
    std::string_view subject;
    std::string_view meaning;
};

constexpr std::array entries{
#define CAUSE(name, subject, meaning) Entry{Cause::name, subject, meaning},
#include "explain/causes.def"
#undef CAUSE
};

/// journalctl puts "-- " in front of each line.
std::string wrapped(std::string_view text) {
    constexpr std::size_t columns = 76;
    std::string lines;
    std::size_t used = 0;
    while (!text.empty()) {
        const std::string_view word = next_field(text, ' ');
        const bool is_first = used == 0;
        const bool fits = used + 1 + word.size() <= columns;
        lines.append(is_first ? "" : fits ? " " : "\n").append(word);
        used = is_first || !fits ? word.size() : used + 1 + word.size();
    }
    return lines;
}

} // namespace

std::string message_id(Cause cause) {
    constexpr std::string_view name_space = "portguard cause ";
    const std::string_view name = cause_name(cause);
    const std::uint64_t high =
        Fnv1a().add(name_space.data(), name_space.size()).add(name.data(), name.size()).value();
    // A UUID of version 8 (RFC 9562): a maker's own digest.
    const std::array words{(mixed(high) & ~0xf000ULL) | 0x8000U, (mixed(~high) & ~(3ULL << 62)) | 1ULL << 63};
    constexpr std::string_view digits = "0123456789abcdef";
    std::string id;
    for (const std::uint64_t word : words) {
        for (unsigned shift = 64; shift > 0; shift -= 4) {
            id.push_back(digits[word >> (shift - 4) & 15U]);
        }
    }
    return id;
}

std::string journal_catalog() {
    std::string text = "# Made by `portguard catalog`: what `journalctl -x` adds to a report.\n";
    for (const Entry& entry : entries) {
        text.append("\n-- ").append(message_id(entry.cause));
        text.append("\nSubject: portguard: ").append(entry.subject);
        text.append("\nDefined-By: portguard\nDocumentation: man:portguard(1) man:portguard-events(1)\n\n");
        text.append(wrapped(entry.meaning))
            .append("\n\nCause: ")
            .append(cause_name(entry.cause))
            .append("\n");
    }
    return text;
}

} // namespace portguard
