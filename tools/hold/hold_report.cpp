#include "tools/hold/hold_report.h"

#include <cerrno>

#include "core/text.h"
#include "explain/holder_json.h"
#include "explain/holder_summary.h"
#include "kernel/holders.h"
#include "kernel/overlap.h"
#include "tools/common/asked_port.h"
#include "tools/common/json_output.h"
#include "tools/common/json_text.h"
#include "tools/common/port_text.h"

namespace portguard::tools {
namespace {

// Each costs a look at all of /proc.
constexpr std::size_t most_look_ups = 16;

UnheldPort explain_in_use(const Unheld& entry) {
    HolderOptions options;
    options.flags = false;
    const HolderReport report = find_holders(every_address(entry.port), Protocol::tcp, options);
    UnheldPort unheld{entry.port, entry.error, {}, false};
    if (report.holders.empty()) {
        unheld.reason = "EADDRINUSE; it is tried again";
        return unheld;
    }
    const DiagSocket& first = report.holders.front().socket;
    unheld.listened_on = first.state == SocketState::listen;
    unheld.reason = summarize_holders(report);
    if (unheld.listened_on) {
        unheld.reason += "; outgoing connections are kept off it meanwhile, and it is tried again";
    } else if (yields_to_reuseaddr(first.state)) {
        unheld.reason += "; `portguard rescue " + std::to_string(entry.port) +
                         "` makes room for the hold, which is tried again";
    } else {
        unheld.reason += "; it is tried again";
    }
    return unheld;
}

std::string reason_of(int error) {
    if (error == EACCES) {
        return "a port below net.ipv4.ip_unprivileged_port_start needs CAP_NET_BIND_SERVICE; it works "
               "as root";
    }
    if (error == EMFILE || error == ENFILE) {
        return "no descriptor is left for it (" + describe_errno(error) + ")";
    }
    return describe_errno(error) + (error == EADDRINUSE ? "; it is tried again" : "");
}

} // namespace

std::vector<UnheldPort> explain_unheld(const std::vector<Unheld>& unheld) {
    std::vector<UnheldPort> ports;
    std::size_t look_ups = 0;
    for (const Unheld& entry : unheld) {
        if (entry.error == EADDRINUSE && look_ups < most_look_ups) {
            ++look_ups;
            ports.push_back(explain_in_use(entry));
        } else {
            ports.push_back({entry.port, entry.error, reason_of(entry.error), false});
        }
    }
    return ports;
}

std::string warn_about_range(const PortSet& held, PortRange ephemeral) {
    const std::uint32_t count = held.count(ephemeral);
    if (ephemeral.empty() || count * 10 <= ephemeral.size() * 9) {
        return {};
    }
    return std::to_string(count) + " of the " + std::to_string(ephemeral.size()) +
           " ports for outgoing connections (" + text_of(ephemeral) +
           ") are held: connect() takes several times as long, and fails with EADDRNOTAVAIL once the others "
           "are "
           "taken; use fewer PORTS or a wider net.ipv4.ip_local_port_range";
}

std::string hold_limits(bool shown) {
    // An older kernel shows nobody what is only bound (K13), and the guard binds over what it has seen only.
    return std::string(
               "only TCP is held, since a UDP socket would take datagrams; a program that binds such a "
               "port without SO_REUSEADDR gets EADDRINUSE, ") +
           (shown ? "unless it runs under `portguard run`"
                  : "under `portguard run` as well: Linux shows it a hold since 6.8 only");
}

std::string state_ready_json(const AskedPort& asked, const std::string& state) {
    const Endpoint& endpoint = asked.address.endpoint;
    return text_of(Json{{"schema", json_schema_version},
                        {"event", "ready"},
                        {"port", endpoint.port},
                        {"address", asked.names_address ? address_json(endpoint) : Json(nullptr)},
                        {"state", state}});
}

std::string ready_line(const PortSet& held, const std::vector<UnheldPort>& unheld, bool json) {
    const std::uint32_t count = held.count({1, 65535});
    if (!json) {
        return unheld.empty() ? "ready\n"
                              : "ready, but for " + counted(unheld.size(), "port") + " of " +
                                    std::to_string(count + unheld.size()) + "\n";
    }
    Json list = Json::array();
    for (const UnheldPort& port : unheld) {
        list.push_back({{"port", port.port}, {"errno", describe_errno(port.error)}, {"reason", port.reason}});
    }
    return text_of(Json{{"schema", json_schema_version},
                        {"event", "ready"},
                        {"protocol", "tcp"},
                        {"held", text_of(held)},
                        {"unheld", std::move(list)}});
}

} // namespace portguard::tools
