#include "explain/holder_json.h"
#include "explain/holder_summary.h"
#include "tools/common/json_output.h"
#include "tools/common/json_text.h"
#include "tools/who/listing.h"

namespace portguard::tools {
namespace {

Json processes_of(const Listing& listing, const ListedSocket& entry) {
    Json list = Json::array();
    for (const pid_t pid : entry.pids) {
        for (const ProcessInfo& process : listing.report.processes) {
            if (process.pid == pid) {
                list.push_back({{"pid", pid},
                                {"comm", process.comm},
                                {"uid", or_null(process.uid)},
                                {"argv", argv_json(process)}});
            }
        }
    }
    return list;
}

} // namespace

std::string listing_json(const Listing& listing) {
    std::string lines;
    for (const ListedSocket& entry : listing.sockets) {
        const Holder& holder = listing.first(entry);
        const DiagSocket& socket = holder.socket;
        lines += text_of(Json{{"schema", json_schema_version},
                              {"protocol", protocol_name(socket.protocol)},
                              {"state", state_name(socket.state)},
                              {"address", address_json(socket.local)},
                              {"port", socket.local.port},
                              {"sockets", entry.count},
                              {"processes", processes_of(listing, entry)},
                              {"unit", text_or_null(entry.unit)},
                              {"plan", text_or_null(place_word(entry.place))},
                              {"reuseaddr", or_null(holder.reuseaddr)},
                              {"reuseport", or_null(holder.reuseport)},
                              {"v6only", or_null(socket.v6only)},
                              {"hold", socket.is_hold()}});
    }
    return lines;
}

} // namespace portguard::tools
