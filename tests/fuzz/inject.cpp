// The rules of the option `inject`.
#include <cstddef>
#include <cstdint>

#include "core/inject.h"
#include "fuzz/claims.h"

using namespace portguard;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::view_of(data, size);
    InjectRules rules;
    Sentence why;
    if (!parse_inject(text, rules, why)) {
        fuzz::require_sentence(why);
        return 0;
    }
    fuzz::require(!rules.empty(), "an accepted list has rules");
    Config config;
    config.inject = rules;
    fuzz::require_round_trip(config);
    for (const InjectRule& rule : rules.all()) {
        fuzz::require(rule.error > 0, "a fault has an errno");
        fuzz::require(!is_due(rule, rule.passed) && (rule.percent != 0 || is_due(rule, rule.passed + 1)),
                      "a rule begins with the call that it names");
        fuzz::require(rule.last == 0 || !is_due(rule, rule.last + 1), "and ends with it");
    }
    return 0;
}
