#include "core/inject.h"

#include "core/division.h"
#include "core/errno_name.h"
#include "core/hash.h"
#include "core/number.h"
#include "core/port_set.h"

namespace portguard {
namespace {

constexpr std::array injected_calls{Call::bind, Call::listen, Call::connect};
constexpr std::string_view seed_prefix = "seed=";

bool refuse_word(std::string_view word, const char* reason, TextWriter& why) {
    why.add('\'').add_excerpt(word).add("' ").add(reason);
    return false;
}

bool parse_count(std::string_view text, std::uint32_t& number) {
    const std::optional<std::uint32_t> count = parse_number<std::uint32_t>(text);
    number = count.value_or(0);
    return count.has_value();
}

bool parse_call(std::string_view word, Call& call, TextWriter& why) {
    for (const Call known : injected_calls) {
        if (call_name(known) == word) {
            call = known;
            return true;
        }
    }
    return refuse_word(word, "is not a call that can be made to fail; expected bind, listen or connect", why);
}

bool parse_which_port(std::string_view word, std::uint16_t& port, TextWriter& why) {
    port = word == "*" ? std::uint16_t{0} : parse_port(word);
    return word == "*" || port != 0 || refuse_word(word, "is not a port from 1 to 65535 or *", why);
}

bool parse_errno(std::string_view word, int& error, TextWriter& why) {
    error = errno_named(word).value_or(0);
    return error != 0 ||
           refuse_word(word, "is not an errno that these calls return; expected one such as EADDRINUSE", why);
}

/// "1", "3-5" or "10%".
bool parse_when(std::string_view word, InjectRule& rule, TextWriter& why) {
    std::string_view rest = word;
    std::uint32_t number = 0;
    if (word.ends_with('%')) {
        rest.remove_suffix(1);
        if (parse_count(rest, number) && number >= 1 && number <= 99) {
            rule.percent = static_cast<std::uint8_t>(number);
            return true;
        }
        return refuse_word(word, "is not a share of the calls from 1% to 99%", why);
    }
    const bool has_dash = word.find('-') != std::string_view::npos;
    if (!parse_count(next_field(rest, '-'), number) || number == 0) {
        return refuse_word(word, "does not say which calls; expected 1, 3-5 or 10%", why);
    }
    rule.passed = number - 1;
    rule.last = number;
    if (has_dash && (!parse_count(rest, rule.last) || rule.last < number)) {
        return refuse_word(word, "is not a range of calls; expected one such as 3-5", why);
    }
    return true;
}

bool parse_rule(std::string_view text, InjectRule& rule, TextWriter& why) {
    std::string_view rest = text;
    if (!parse_call(next_field(rest, ':'), rule.call, why) ||
        !parse_which_port(next_field(rest, ':'), rule.port, why) ||
        !parse_errno(next_field(rest, ':'), rule.error, why)) {
        return false;
    }
    if (!rest.empty() && !parse_when(next_field(rest, ':'), rule, why)) {
        return false;
    }
    if (rest.empty()) {
        return true;
    }
    std::string_view seed = rest;
    if (rule.percent == 0 || !starts_with(rest, seed_prefix)) {
        return refuse_word(rest, "is more than a rule has; behind a share like 10% a seed=7 may stand", why);
    }
    seed.remove_prefix(seed_prefix.size());
    return parse_count(seed, rule.seed) ||
           refuse_word(rest, "is not a seed; expected a number, as in seed=7", why);
}

/// Evenly spread, so that only the seed decides which calls fail. The constant is SplitMix64's step.
std::uint64_t scramble(std::uint64_t value) {
    return mixed(value + 0x9e3779b97f4a7c15);
}

} // namespace

bool InjectRules::add(const InjectRule& rule) {
    if (count_ == capacity) {
        return false;
    }
    rules_[count_++] = rule;
    return true;
}

bool parse_inject(std::string_view text, InjectRules& rules, TextWriter& why) {
    rules = {};
    do {
        const std::string_view word = trimmed(next_field(text, ','));
        InjectRule rule;
        if (!parse_rule(word, rule, why)) {
            return false;
        }
        if (!rules.add(rule)) {
            why.add("has more than ").add_number(InjectRules::capacity).add(" rules");
            return false;
        }
    } while (!text.empty());
    return true;
}

void print_inject_rule(const InjectRule& rule, TextWriter& out) {
    out.add(call_name(rule.call)).add(':');
    if (rule.port == 0) {
        out.add('*');
    } else {
        out.add_number(rule.port);
    }
    out.add(':').add(errno_name(rule.error));
    if (rule.percent != 0) {
        out.add(':').add_number(rule.percent).add('%');
    } else if (rule.last != 0) {
        out.add(':').add_number(rule.passed + 1);
        if (rule.last != rule.passed + 1) {
            out.add('-').add_number(rule.last);
        }
    }
    if (rule.seed != 0) {
        out.add(':').add(seed_prefix).add_number(rule.seed);
    }
}

void print_inject(const InjectRules& rules, TextWriter& out) {
    std::string_view separator;
    for (const InjectRule& rule : rules.all()) {
        out.add(separator);
        print_inject_rule(rule, out);
        separator = ",";
    }
}

bool is_due(const InjectRule& rule, std::uint32_t nth) {
    if (nth <= rule.passed || (rule.last != 0 && nth > rule.last)) {
        return false;
    }
    std::uint64_t random = scramble((std::uint64_t{rule.seed} << 32) | nth);
    return rule.percent == 0 || divide(random, 100) < rule.percent;
}

} // namespace portguard
