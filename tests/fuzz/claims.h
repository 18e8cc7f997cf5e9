// What every target claims of its parser, beyond not crashing.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "core/config.h"
#include "core/options.h"
#include "core/text.h"

namespace portguard::fuzz {

inline void require(bool holds, const char* claim) {
    if (!holds) {
        std::fprintf(stderr, "does not hold: %s\n", claim);
        std::abort();
    }
}

inline std::string_view view_of(const unsigned char* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// A refusal fits one line of a terminal's characters, whatever it quotes.
inline void require_sentence(const TextWriter& why) {
    require(!why.empty(), "a refusal has its sentence");
    require(!why.truncated(), "the sentence is whole");
    for (const char character : why.view()) {
        require(character >= ' ' && character <= '~', "the sentence is one printable line");
    }
}

/// Every value that is set reads back as itself.
inline void require_round_trip(const Config& config) {
    static Text<1 << 19> printed;
    static Text<1 << 19> printed_again;
    for (const Option& option : option_table()) {
        printed.clear();
        option.print(config, printed);
        if (printed.empty()) {
            continue;
        }
        Config again;
        Sentence why;
        require(option.assign(again, printed.view(), why), "what is printed can be assigned");
        printed_again.clear();
        option.print(again, printed_again);
        require(printed.view() == printed_again.view(), "what is assigned prints the same");
    }
}

} // namespace portguard::fuzz
