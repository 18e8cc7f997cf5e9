// The options whose values name files, and how a text is kept: for the table in options.cpp.
#pragma once

#include <cstring>
#include <string_view>

#include "core/config.h"
#include "core/text.h"

namespace portguard {

/// Copies `value` with its NUL; false: it does not fit.
template <std::size_t capacity>
bool copy_text(char (&out)[capacity], std::string_view value, TextWriter& why) {
    if (value.size() >= capacity) {
        why.add("is too long; expected at most ").add_number(capacity - 1).add(" bytes");
        return false;
    }
    if (value.find('\0') != std::string_view::npos) {
        why.add("holds a NUL byte, which would end it early; expected text without one");
        return false;
    }
    std::memcpy(out, value.data(), value.size());
    out[value.size()] = '\0';
    return true;
}

bool assign_log(Config& config, std::string_view value, TextWriter& why);
void print_log(const Config& config, TextWriter& out);

bool assign_record(Config& config, std::string_view value, TextWriter& why);
void print_record(const Config& config, TextWriter& out);

bool assign_remember(Config& config, std::string_view value, TextWriter& why);
void print_remember(const Config& config, TextWriter& out);

} // namespace portguard
