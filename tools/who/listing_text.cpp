#include <algorithm>
#include <array>
#include <cstdio>

#include "explain/holder_summary.h"
#include "explain/text_block.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/who/listing.h"
#include "tools/who/names.h"

namespace portguard::tools {
namespace {

constexpr std::array<std::string_view, 8> headers{"PROTO", "STATE", "ADDRESS", "PROCESS",
                                                  "USER",  "UNIT",  "PLAN",    "FLAGS"};
constexpr std::string_view last_header = "COMMAND";
using Row = std::array<std::string, headers.size()>;

/// A column ends at a blank, for awk(1) and its like.
std::string as_cell(std::string text) {
    std::replace(text.begin(), text.end(), ' ', '_');
    return text.empty() ? "-" : text;
}

std::string flags_of(const ListedSocket& entry, const Holder& holder) {
    std::string text;
    const auto add = [&text](bool is_set, std::string_view word) {
        text.append(is_set && !text.empty() ? "," : "").append(is_set ? word : "");
    };
    add(holder.reuseaddr == true, "reuseaddr");
    add(holder.reuseport == true, "reuseport");
    add(holder.socket.v6only == true && holder.socket.local.family == Family::ipv6, "v6only");
    add(holder.mptcp == true, "mptcp");
    add(holder.socket.is_hold(), "hold");
    add(holder.flags_error != 0, "unreadable");
    add(entry.count > 1, std::to_string(entry.count) + "x");
    return text;
}

std::string process_of(const Listing& listing, const ListedSocket& entry) {
    const Holder& holder = listing.first(entry);
    if (holder.owners.empty()) {
        return holder.owner_status == OwnerStatus::not_visible ? "?" : "";
    }
    return describe_owner(listing.report, holder) +
           (entry.pids.size() > 1 ? "+" + std::to_string(entry.pids.size() - 1) : "");
}

std::string user_of(const DiagSocket& socket, std::string_view users) {
    if (socket.inode == 0) {
        return {};
    }
    const std::string name = name_of_user(users, socket.uid);
    return name.empty() ? std::to_string(socket.uid) : shown(name);
}

Row row_of(const Listing& listing, const ListedSocket& entry, std::string_view users) {
    const Holder& holder = listing.first(entry);
    return {std::string(protocol_name(holder.socket.protocol)),
            std::string(state_name(holder.socket.state)),
            describe_local(holder.socket),
            as_cell(process_of(listing, entry)),
            as_cell(user_of(holder.socket, users)),
            as_cell(shown(entry.unit)),
            as_cell(std::string(place_word(entry.place))),
            as_cell(flags_of(entry, holder))};
}

std::string command_of(const Listing& listing, const ListedSocket& entry, std::size_t width) {
    const Holder& holder = listing.first(entry);
    if (holder.owners.empty()) {
        return "-";
    }
    const ProcessInfo& process = listing.report.process_of(holder.owners.front());
    return process.argv.empty() ? shown(process.comm) : fitted_command(process.argv, width);
}

using Widths = std::array<std::size_t, headers.size()>;

std::string padded(const Row& row, const Widths& widths) {
    std::string text;
    for (std::size_t column = 0; column < row.size(); ++column) {
        text += row[column];
        text.append(widths[column] - width_of(row[column]) + 1, ' ');
    }
    return text;
}

} // namespace

void tell_beside(const Listing& listing) {
    if (!listing.free.empty()) {
        std::fprintf(stderr, "portguard: free: %s\n", text_of(listing.free).c_str());
    }
    for (const std::string& what : listing.report.missing) {
        std::fprintf(stderr, "portguard: not seen: %s\n", what.c_str());
    }
}

std::string listing_text(const Listing& listing, const TableShape& shape) {
    const std::string users = shape.numeric ? "" : text_of_names(users_file);
    std::vector<Row> rows;
    if (shape.headers) {
        std::copy(headers.begin(), headers.end(), rows.emplace_back().begin());
    }
    for (const ListedSocket& entry : listing.sockets) {
        rows.push_back(row_of(listing, entry, users));
    }
    Widths widths{};
    for (const Row& row : rows) {
        for (std::size_t column = 0; column < row.size(); ++column) {
            widths[column] = std::max(widths[column], width_of(row[column]));
        }
    }
    std::string text;
    for (std::size_t index = 0; index < rows.size(); ++index) {
        const std::string head = padded(rows[index], widths);
        const bool is_header = shape.headers && index == 0;
        // What is left for the command; with less, the whole line is cut in the middle.
        constexpr std::size_t least = 12;
        const std::size_t used = width_of(head);
        const bool has_room = shape.width == unlimited_width || shape.width >= used + least;
        const std::size_t room =
            !has_room || shape.width == unlimited_width ? unlimited_width : shape.width - used;
        const std::string last =
            is_header ? std::string(last_header)
                      : command_of(listing, listing.sockets[index - (shape.headers ? 1 : 0)], room);
        text += fitted(has_room ? head + last : head.substr(0, head.find_last_not_of(' ') + 1), shape.width);
        text += "\n";
    }
    return text;
}

} // namespace portguard::tools
