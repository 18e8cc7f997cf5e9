#include "explain/holder_json.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "explain/address_facts.h"

namespace portguard {
namespace {

Json endpoint_json(const Endpoint& endpoint) {
    return {{"address", address_json(endpoint)}, {"port", endpoint.port}};
}

/// Where it is bound: a unix socket to a name.
Json local_json(const Holder& holder) {
    return holder.unix_name.empty() ? endpoint_json(holder.socket.local)
                                    : Json{{"address", unix_name_json(holder.unix_name)}, {"port", 0}};
}

Json owners_json(const HolderReport& report, const Holder& holder, std::optional<std::uint64_t> netns) {
    Json owners = Json::array();
    for (const Owner& owner : holder.owners) {
        const ProcessInfo& process = report.process_of(owner);
        // A namespace is worth a word only where it is another one.
        const bool same_netns = process.netns == netns;
        owners.push_back({{"pid", process.pid},
                          {"fd", owner.fd},
                          {"uid", or_null(process.uid)},
                          {"argv", argv_json(process)},
                          {"netns", same_netns ? Json(nullptr) : or_null(process.netns)},
                          {"ancestors", ancestors_json(process)}});
    }
    return owners;
}

} // namespace

std::string line_of(const Json& document) {
    constexpr bool ensure_ascii = true;
    return document.dump(-1, ' ', ensure_ascii, Json::error_handler_t::replace);
}

Json evidence_json(const std::vector<Evidence>& evidence) {
    Json list = Json::array();
    for (const Evidence& entry : evidence) {
        list.push_back({{"fact", entry.fact}, {"source", entry.source}});
    }
    return list;
}

Json text_or_null(std::string_view text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

Json errno_json(int error) {
    return error == 0 ? Json(nullptr) : Json(describe_errno(error));
}

Json address_json(const Endpoint& endpoint) {
    Text<64> text;
    print_address(endpoint, text);
    return text.empty() ? Json(nullptr) : Json(text.view());
}

Json unix_name_json(std::string_view name) {
    std::string shown(name);
    // Of an abstract name, as ss(8) has it.
    std::replace(shown.begin(), shown.end(), '\0', '@');
    return shown;
}

Json argv_json(const ProcessInfo& process) {
    return process.argv.empty() ? Json(nullptr) : Json(process.argv);
}

Json ancestors_json(const ProcessInfo& process) {
    Json ancestors = Json::array();
    for (const Ancestor& ancestor : process.ancestors) {
        ancestors.push_back({{"pid", ancestor.pid}, {"comm", ancestor.comm}});
    }
    return ancestors;
}

Json holder_json(const HolderReport& report, const Holder& holder, std::optional<std::uint64_t> netns) {
    const DiagSocket& socket = holder.socket;
    const bool has_peer = socket.remote.port != 0;
    const bool has_timer = socket.timer_ms.has_value();
    return {{"local", local_json(holder)},
            {"remote", has_peer ? endpoint_json(socket.remote) : Json(nullptr)},
            {"state", state_name(socket.state)},
            {"reuseaddr", or_null(holder.reuseaddr)},
            {"reuseport", or_null(holder.reuseport)},
            {"v6only", or_null(socket.v6only)},
            {"device", socket.device == 0 ? Json(nullptr) : Json(interface_name(socket.device))},
            {"mptcp", or_null(holder.mptcp)},
            {"uid", socket.inode == 0 ? Json(nullptr) : Json(socket.uid)},
            {"timer_s", has_timer ? Json(static_cast<double>(*socket.timer_ms) / 1000) : Json(nullptr)},
            {"owners", owners_json(report, holder, netns)}};
}

} // namespace portguard
