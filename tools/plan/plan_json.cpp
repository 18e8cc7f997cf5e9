#include "tools/common/json_output.h"
#include "tools/common/json_text.h"
#include "tools/common/port_text.h"
#include "tools/plan/proposal.h"
#include "tools/plan/site.h"

namespace portguard::tools {

std::string json_report(const Proposal& proposal, const std::vector<Duplicate>& duplicates) {
    Json pins = Json::array();
    for (const Pin& entry : proposal.pins) {
        pins.push_back({{"ports", entry.ports}, {"because", entry.because}});
    }
    Json pairs = Json::array();
    for (const Duplicate& duplicate : duplicates) {
        pairs.push_back({{"ports", text_of(duplicate.ports)},
                         {"protocol", protocol_name(duplicate.first->protocol)},
                         {"names", {duplicate.first->name, duplicate.second->name}},
                         {"places", {duplicate.first->place, duplicate.second->place}}});
    }
    const Split& split = proposal.split;
    Json alternative = nullptr;
    if (proposal.alternative.has_value()) {
        alternative = {{"ephemeral", json_of(proposal.alternative->ephemeral)},
                       {"reserved", text_of(proposal.alternative->reserved)},
                       {"ports", proposal.alternative->ports}};
    }
    Json answer{{"listen", text_of(proposal.listen)},
                {"ephemeral", json_of(split.ephemeral)},
                {"ports", split.ports},
                {"reserved", text_of(split.reserved)},
                {"needs_reserved", split.needs_reserved},
                {"remark", text_or_null(split.remark)}};
    return text_of(Json{{"schema", json_schema_version},
                        {"command", "plan"},
                        {"split", split.ephemeral.empty() ? Json(nullptr) : std::move(answer)},
                        {"obstacle", text_or_null(split.obstacle)},
                        {"alternative", std::move(alternative)},
                        {"connections", proposal.connections},
                        {"in_force", is_in_force(proposal)},
                        {"pins", std::move(pins)},
                        {"duplicates", std::move(pairs)},
                        {"missing", proposal.missing}});
}

std::string json_report(const PlanChange& change) {
    Json settings = Json::array();
    for (const PlanChange::Value& value : change.values) {
        settings.push_back({{"name", value.name}, {"from", value.from}, {"to", value.to}});
    }
    return text_of(Json{{"schema", json_schema_version},
                        {"command", "plan"},
                        {"action", change.reverts ? "revert" : "apply"},
                        {"dry_run", change.extent == Extent::dry_run},
                        {"changed", change.changes()},
                        {"file", change.file},
                        {"settings", std::move(settings)}});
}

} // namespace portguard::tools
