#include "explain/holder_summary.h"

#include <algorithm>

#include "core/text.h"
#include "explain/address_facts.h"
#include "explain/sentence.h"

namespace portguard {
namespace {

/// The state that all holders are in, or unknown where they differ.
SocketState common_state(const HolderReport& report) {
    const SocketState state = report.holders.front().socket.state;
    const bool same = std::all_of(report.holders.begin(), report.holders.end(),
                                  [&](const Holder& holder) { return holder.socket.state == state; });
    return same ? state : SocketState::unknown;
}

std::string command_line(const ProcessInfo& process) {
    std::string text;
    for (const std::string& argument : process.argv) {
        // The line is short, and what comes behind the program's folder tells more. A process that has set a
        // title has it all in one argument.
        const bool is_path = text.empty() && argument.find(' ') == std::string::npos;
        text += text.empty() ? "" : " ";
        text += is_path ? base_name(argument) : std::string_view(argument);
    }
    return harmless(text.empty() ? process.comm : text);
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

std::string describe_local(const DiagSocket& socket) {
    Text<96> out;
    Text<64> local;
    print_endpoint(socket.local, local);
    const std::size_t colon = local.view().rfind(':');
    out.add(local.view().substr(0, colon));
    if (socket.device != 0) {
        // As ss(8) has it.
        out.add('%').add_untrusted(interface_name(socket.device));
    }
    out.add(local.view().substr(colon));
    return std::string(out.view());
}

std::string describe_addresses(const DiagSocket& socket) {
    Text<160> out;
    out.add(describe_local(socket));
    if (socket.remote.port != 0) {
        out.add(" → ");
        print_endpoint(socket.remote, out);
    }
    return std::string(out.view());
}

std::string describe_place(const Holder& holder) {
    if (holder.unix_name.empty()) {
        return describe_addresses(holder.socket);
    }
    Text<256> out;
    print_unix_name(holder.unix_name, out);
    return std::string(out.view());
}

std::string describe_socket(const DiagSocket& socket) {
    std::string text = describe_addresses(socket) + " " + std::string(state_name(socket.state));
    return socket.timer_ms.has_value() ? text + ", " + seconds_left(socket) + " left" : text;
}

std::string describe_reuseaddr(std::optional<bool> reuseaddr) {
    return std::string("SO_REUSEADDR ") + (!reuseaddr.has_value() ? "unknown" : *reuseaddr ? "on" : "off");
}

std::string describe_holder(const HolderReport& report, const Holder& holder) {
    if (!holder.unix_name.empty()) {
        const std::string text = describe_place(holder) + " " + std::string(state_name(holder.socket.state));
        return holder.owners.empty() ? text + ", " + describe_owner(report, holder) : text;
    }
    return describe_socket(holder.socket) + ", " +
           (holder.owners.empty() ? describe_owner(report, holder) : describe_reuseaddr(holder.reuseaddr));
}

std::string describe_first_owner(const HolderReport& report, const Holder& holder) {
    const Owner& owner = holder.owners.front();
    const ProcessInfo& process = report.process_of(owner);
    std::string text = "pid " + std::to_string(process.pid) + " fd " + std::to_string(owner.fd);
    text += process.uid.has_value() ? " uid " + std::to_string(*process.uid) : "";
    text += holder.owners.size() > 1 ? " and " + std::to_string(holder.owners.size() - 1) + " more" : "";
    return text + ": " + command_line(process);
}

std::string describe_owner(const HolderReport& report, const Holder& holder) {
    switch (holder.owner_status) {
    case OwnerStatus::found: {
        const ProcessInfo& process = report.process_of(holder.owners.front());
        return harmless(process.comm) + "[" + std::to_string(process.pid) + "]";
    }
    case OwnerStatus::kernel: return "no process";
    case OwnerStatus::not_visible: return "a process of uid " + std::to_string(holder.socket.uid);
    case OwnerStatus::nobody: return "a process outside this pid namespace";
    case OwnerStatus::ended: return "a process that has ended";
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
    // Of what its program has closed there is no one to name.
    const bool is_closed = first.owner_status == OwnerStatus::kernel;
    std::string text = is_closed ? std::string{} : describe_owner(report, first) + " ";
    text += describe_place(first) + " " + std::string(state_name(first.socket.state));
    text += is_closed ? ", which its program has closed" : "";
    if (count > 1) {
        text += " and " + std::to_string(count - 1) + " more";
    }
    return text;
}

} // namespace portguard
