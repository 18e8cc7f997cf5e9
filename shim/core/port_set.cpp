#include "core/port_set.h"

#include "core/number.h"

#include <bit>

namespace portguard {
namespace {

constexpr std::uint32_t port_count = 65536;

/// The first port at or above `from` whose membership is `member`, where no word from `end` on has a member;
/// port_count when there is none.
template <typename Words>
std::uint32_t find_port(const Words& words, std::uint32_t end, std::uint32_t from, bool member) {
    while (from < end * 64) {
        const std::uint64_t word = member ? words[from / 64] : ~words[from / 64];
        const std::uint64_t rest = word >> (from % 64);
        if (rest != 0) {
            return from + static_cast<std::uint32_t>(std::countr_zero(rest));
        }
        from = (from / 64 + 1) * 64;
    }
    return member ? port_count : from;
}

/// Calls `visit(index, mask)` for every word that holds ports of `range`: bit by bit, 10,000 ports would be
/// felt in every exec.
template <typename Visit>
void for_each_word(PortRange range, Visit visit) {
    const std::uint32_t first = range.low / 64U;
    const std::uint32_t last = range.high / 64U;
    for (std::uint32_t index = first; index <= last && !range.empty(); ++index) {
        const std::uint64_t from_low =
            index == first ? ~std::uint64_t{0} << (range.low % 64U) : ~std::uint64_t{0};
        const std::uint64_t to_high =
            index == last ? ~std::uint64_t{0} >> (63U - range.high % 64U) : ~std::uint64_t{0};
        visit(index, from_low & to_high);
    }
}

/// Not std::popcount, which without the instruction is a call into libgcc.
std::uint32_t count_bits(std::uint64_t word) {
    std::uint32_t bits = 0;
    for (; word != 0; word &= word - 1) {
        ++bits;
    }
    return bits;
}

bool refuse_word(std::string_view word, const char* what, TextWriter& why) {
    why.add('\'').add_excerpt(word).add("' ").add(what);
    return false;
}

/// `ports` null: the list is only checked.
bool read_list(std::string_view text, PortSet* ports, TextWriter& why) {
    bool more = true;
    while (more) {
        more = text.find(',') != std::string_view::npos;
        PortRange range;
        if (!parse_port_range(next_field(text, ','), range, why)) {
            return false;
        }
        if (ports != nullptr) {
            ports->insert(range);
        }
    }
    return true;
}

} // namespace

void PortSet::insert(PortRange range) {
    for_each_word(range, [this](std::uint32_t index, std::uint64_t mask) {
        words_[index] |= mask;
        end_ = end_ > index ? end_ : index + 1;
    });
}

void PortSet::insert(const PortSet& other) {
    for (std::uint32_t index = 0; index < other.end_; ++index) {
        words_[index] |= other.words_[index];
    }
    end_ = end_ > other.end_ ? end_ : other.end_;
}

void PortSet::clear() {
    for (std::uint32_t index = 0; index < end_; ++index) {
        words_[index] = 0;
    }
    end_ = 0;
}

PortRange PortSet::next_run(std::uint32_t from) const {
    const std::uint32_t low = find_port(words_, end_, from, true);
    if (low == port_count) {
        return {};
    }
    const std::uint32_t end = find_port(words_, end_, low, false);
    return {static_cast<std::uint16_t>(low), static_cast<std::uint16_t>(end - 1)};
}

std::uint16_t PortSet::first_common(PortRange range) const {
    if (range.empty()) {
        return 0;
    }
    const std::uint32_t port = find_port(words_, end_, range.low, true);
    return port <= range.high ? static_cast<std::uint16_t>(port) : std::uint16_t{0};
}

std::uint32_t PortSet::count(PortRange range) const {
    std::uint32_t members = 0;
    for_each_word(
        range, [&](std::uint32_t index, std::uint64_t mask) { members += count_bits(words_[index] & mask); });
    return members;
}

std::uint16_t parse_port(std::string_view text) {
    // By the one reader of numbers that the preloaded object has.
    const std::uint32_t number = parse_number<std::uint32_t>(text).value_or(0);
    return number < port_count ? static_cast<std::uint16_t>(number) : std::uint16_t{0};
}

bool parse_port_range(std::string_view text, PortRange& range, TextWriter& why) {
    const std::string_view word = trimmed(text);
    std::string_view rest = word;
    const bool has_dash = word.find('-') != std::string_view::npos;
    const std::uint16_t low = parse_port(trimmed(next_field(rest, '-')));
    const std::uint16_t high = has_dash ? parse_port(trimmed(rest)) : low;
    if (word.empty()) {
        return refuse_word(word, "holds no port", why);
    }
    if (low == 0 || high == 0) {
        return refuse_word(word, "is not a port from 1 to 65535 or a range of them", why);
    }
    if (low > high) {
        return refuse_word(word, "is reversed: the lower port comes first", why);
    }
    range = {low, high};
    return true;
}

bool parse_port_set(std::string_view text, PortSet& ports, TextWriter& why) {
    // Twice over the text instead of a second set: 8 KiB are too much for a small stack.
    if (!read_list(text, nullptr, why)) {
        return false;
    }
    ports.clear();
    return read_list(text, &ports, why);
}

void print_port_range(PortRange range, TextWriter& out) {
    out.add_number(range.low);
    if (range.high != range.low) {
        out.add('-').add_number(range.high);
    }
}

void print_port_set(const PortSet& ports, TextWriter& out) {
    std::string_view separator;
    for (PortRange run = ports.next_run(0); !run.empty(); run = ports.next_run(run.high + 1U)) {
        out.add(separator);
        print_port_range(run, out);
        separator = ",";
    }
}

} // namespace portguard
