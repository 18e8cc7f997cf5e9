#include "tools/rescue/rescue_json.h"

#include "explain/holder_json.h"
#include "tools/common/json_text.h"

namespace portguard::tools {
namespace {

Json socket_json(const RescueResult& result, const RescuedSocket& entry) {
    return {{"holder", holder_json(result.report, result.report.holders[entry.holder], own_netns())},
            {"outcome", outcome_name(entry.outcome)},
            {"reason", text_or_null(entry.reason)}};
}

} // namespace

std::string rescue_json(const AskedPort& asked, const RescueResult& result) {
    Json sockets = Json::array();
    for (const RescuedSocket& entry : result.rescued) {
        sockets.push_back(socket_json(result, entry));
    }
    const Endpoint& endpoint = asked.address.endpoint;
    const Json answer{{"schema", json_schema_version},
                      {"port", endpoint.port},
                      {"address", asked.names_address ? address_json(endpoint) : Json(nullptr)},
                      {"dry_run", result.dry_run},
                      {"sockets", std::move(sockets)},
                      {"bindable", or_null(result.bindable)},
                      {"missing", result.report.missing}};
    return text_of(answer);
}

} // namespace portguard::tools
