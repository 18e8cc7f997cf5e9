#include "explain/holder_summary.h"

#include <algorithm>

#include "core/text.h"

namespace portguard {
namespace {

/// The state that all holders are in, or unknown where they differ.
SocketState common_state(const HolderReport& report) {
    const SocketState state = report.holders.front().socket.state;
    const bool same = std::all_of(report.holders.begin(), report.holders.end(),
                                  [&](const Holder& holder) { return holder.socket.state == state; });
    return same ? state : SocketState::unknown;
}

bool is_owned(const Holder& holder) {
    return holder.owner_status == OwnerStatus::found;
}

} // namespace

std::string harmless(std::string_view text) {
    Text<512> out;
    out.add_untrusted(text);
    return std::string(out.view());
}

std::string describe_addresses(const DiagSocket& socket) {
    Text<160> out;
    print_endpoint(socket.local, out);
    if (socket.remote.port != 0) {
        out.add(" → ");
        print_endpoint(socket.remote, out);
    }
    return std::string(out.view());
}

std::string describe_owner(const HolderReport& report, const Holder& holder) {
    switch (holder.owner_status) {
    case OwnerStatus::found: {
        const ProcessInfo& process = report.process_of(holder.owners.front());
        return harmless(process.comm) + "[" + std::to_string(process.pid) + "]";
    }
    case OwnerStatus::kernel: return "no process";
    case OwnerStatus::not_visible: return "a process not visible to this user";
    case OwnerStatus::nobody: return "no process of this pid namespace";
    case OwnerStatus::not_asked: break;
    }
    return "an unknown process";
}

std::string summarize_holders(const HolderReport& report) {
    const std::size_t count = report.holders.size();
    if (count == 0) {
        return {};
    }
    const Holder& first = report.holders.front();
    const SocketState common = common_state(report);
    if (!is_owned(first) && common == SocketState::time_wait) {
        return std::to_string(count) + (count == 1 ? " TIME_WAIT socket" : " TIME_WAIT sockets");
    }
    std::string text = describe_owner(report, first) + " " + describe_addresses(first.socket) + " ";
    text += state_name(first.socket.state);
    if (count > 1) {
        text += " and " + std::to_string(count - 1) + " more";
    }
    return text;
}

} // namespace portguard
