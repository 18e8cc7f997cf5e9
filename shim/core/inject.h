// Faults that are made on purpose, for what no condition of the kernel can be recreated for: the rules of the
// option `inject`, and which calls they fall on. Pure, and the same in every run.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/call.h"
#include "core/text.h"

namespace portguard {

struct InjectRule {
    Call call{};
    /// 0: every port. For connect the destination's.
    std::uint16_t port = 0;
    int error = 0;
    /// Calls that match and pass before the first that fails.
    std::uint32_t passed = 0;
    /// The number, from 1, of the last that may fail; 0: no end.
    std::uint32_t last = 0;
    /// 1-99: so many calls in a hundred, chosen by `seed`; 0: all of them.
    std::uint8_t percent = 0;
    std::uint32_t seed = 0;
};

class InjectRules {
public:
    static constexpr std::size_t capacity = 16;

    [[nodiscard]] bool empty() const { return count_ == 0; }
    /// For one whose bytes came from elsewhere: nothing beyond it would be read.
    [[nodiscard]] bool is_sound() const { return count_ <= capacity; }
    [[nodiscard]] std::span<const InjectRule> all() const { return std::span(rules_).first(count_); }
    /// False: there are as many as there can be.
    bool add(const InjectRule& rule);

private:
    std::array<InjectRule, capacity> rules_{};
    std::uint8_t count_ = 0;
};

/// "bind:8080:EADDRINUSE:1,connect:*:EADDRNOTAVAIL:3-5,listen:*:EADDRINUSE:10%:seed=7": CALL:PORT:ERRNO,
/// then, where not every call is to fail, which ones. False: `why` says what is expected.
bool parse_inject(std::string_view text, InjectRules& rules, TextWriter& why);

/// The rule as parse_inject reads it.
void print_inject_rule(const InjectRule& rule, TextWriter& out);
void print_inject(const InjectRules& rules, TextWriter& out);

inline bool matches(const InjectRule& rule, Call call, std::uint16_t port) {
    return rule.call == call && (rule.port == 0 || rule.port == port);
}

/// Whether the `nth` call (from 1) that matches the rule fails.
bool is_due(const InjectRule& rule, std::uint32_t nth);

} // namespace portguard
