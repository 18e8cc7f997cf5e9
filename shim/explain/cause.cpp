#include "explain/cause.h"

#include <algorithm>
#include <array>

#include "explain/cause_rule.h"
#include "explain/cures.h"
#include "explain/in_enforce.h"

namespace portguard {
namespace {

struct NamedRule {
    std::string_view name;
    const CauseRule* rule;
};

constexpr std::array rules{
#define CAUSE(name, subject, meaning) NamedRule{#name, &causes::name},
#include "explain/causes.def"
#undef CAUSE
};

} // namespace

std::string_view cause_name(Cause cause) {
    return rules[static_cast<std::size_t>(cause)].name;
}

std::optional<Cause> cause_named(std::string_view name) {
    const auto* const found =
        std::find_if(rules.begin(), rules.end(), [&](const NamedRule& rule) { return rule.name == name; });
    return found == rules.end() ? std::nullopt : std::optional(static_cast<Cause>(found - rules.begin()));
}

const CauseRule& rule_of(Cause cause) {
    return *rules[static_cast<std::size_t>(cause)].rule;
}

bool Case::is_own() const {
    return std::any_of(holder->owners.begin(), holder->owners.end(), [&](const Owner& owner) {
        return facts.holders.process_of(owner).pid == facts.event.pid;
    });
}

bool is_harmless(Cause cause) {
    return cause == Cause::covered_by_own_listener || cause == Cause::port_of_own_client ||
           cause == Cause::no_source_address || cause == Cause::group_joined_already;
}

Level level_of(EventKind kind, Protocol protocol, Cause cause) {
    return is_harmless(cause) ? Level::info : level_of(kind, protocol);
}

Explanation explain(const Facts& facts) {
    const Case judged{facts, facts.decisive_holder()};
    Explanation explanation;
    explanation.holder = judged.holder;
    for (std::size_t index = 0; index < rules.size(); ++index) {
        EvidenceList seen;
        if (rules[index].rule->holds(judged, seen)) {
            explanation.cause = static_cast<Cause>(index);
            explanation.evidence = seen.take();
            break;
        }
    }
    explanation.sentence = rule_of(explanation.cause).sentence(judged);
    explanation.in_enforce = enforce_words(facts);
    return explanation;
}

namespace {

CureList collect_cures(const Facts& facts, const Explanation& explanation) {
    CureList list(facts, explanation.holder);
    if (facts.event.kind != EventKind::cured) {
        rule_of(explanation.cause).cures({facts, explanation.holder}, list);
    }
    return list;
}

} // namespace

std::vector<Cure> cures_for(const Facts& facts, const Explanation& explanation) {
    return collect_cures(facts, explanation).take();
}

bool names_free_port(const Facts& facts, const Explanation& explanation) {
    return collect_cures(facts, explanation).names_free_port();
}

} // namespace portguard
