#include "explain/holder_json.h"
#include "tools/common/json_output.h"
#include "tools/common/json_text.h"
#include "tools/common/port_text.h"
#include "tools/who/who_answer.h"

namespace portguard::tools {
namespace {

void add_explanation(const WhoAnswer& answer, Json& document) {
    document["cause"] = nullptr;
    document["sentence"] = nullptr;
    document["evidence"] = Json::array();
    document["cures"] = Json::array();
    if (!answer.is_held()) {
        return;
    }
    const Explanation explanation = explain(answer.facts);
    document["cause"] = cause_name(explanation.cause);
    document["sentence"] = explanation.sentence;
    document["evidence"] = evidence_json(explanation.evidence);
    for (const Cure& cure : cures_for(answer.facts, explanation)) {
        document["cures"].push_back({{"when", cure.lasting ? "lasting" : "now"}, {"command", cure.command}});
    }
}

Json reuseaddr_json(const WhoAnswer& answer) {
    if (answer.is_udp()) {
        return nullptr;
    }
    return answer.reuseaddr_error.has_value() ? errno_json(*answer.reuseaddr_error) : Json("unknown");
}

} // namespace

std::string who_json(const WhoAnswer& answer) {
    const Endpoint& endpoint = answer.asked.address.endpoint;
    const HolderReport& report = answer.facts.holders;
    Json holders = Json::array();
    for (const Holder& holder : report.holders) {
        holders.push_back(holder_json(report, holder, answer.facts.self.netns));
    }
    Json document{{"schema", json_schema_version},
                  {"protocol", protocol_name(answer.facts.event.protocol)},
                  {"port", endpoint.port},
                  {"address", answer.asked.names_address ? address_json(endpoint) : Json(nullptr)},
                  {"held", answer.is_held()},
                  {"plain_bind", errno_json(answer.plain_error)},
                  {"reuseaddr_bind", reuseaddr_json(answer)},
                  {"holders", std::move(holders)}};
    add_explanation(answer, document);
    Json also = Json::array();
    for (const AlsoListens& entry : answer.also_listens) {
        also.push_back({{"pid", entry.pid}, {"ports", text_of(entry.ports)}});
    }
    document["also_listens"] = std::move(also);
    document["missing"] = report.missing;
    return text_of(document);
}

} // namespace portguard::tools
