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

/// Least missed first: a terminal that is too narrow for all lacks these, whole.
constexpr std::array<std::string_view, 6> left_out_first{"FLAGS", "PLAN", "USER", "UNIT", "STATE", "PROTO"};
/// At the end of the headers, where something is left out.
constexpr std::string_view left_out_mark = "…";

class Columns {
public:
    Columns(const std::vector<Row>& rows, std::size_t width) : width_(width) {
        for (const Row& row : rows) {
            for (std::size_t column = 0; column < row.size(); ++column) {
                widths_[column] = std::max(widths_[column], width_of(row[column]));
            }
        }
        constexpr std::size_t least_of_command = 12;
        has_command_ = width == unlimited_width || used() + least_of_command <= width;
        for (const std::string_view name : left_out_first) {
            if (has_command_ || used() + width_of(left_out_mark) <= width) {
                break;
            }
            is_left_out_[static_cast<std::size_t>(std::find(headers.begin(), headers.end(), name) -
                                                  headers.begin())] = true;
        }
    }

    [[nodiscard]] bool has_command() const { return has_command_; }
    [[nodiscard]] std::size_t room_of_command() const {
        return width_ == unlimited_width ? unlimited_width : width_ - used();
    }

    [[nodiscard]] std::string line(const Row& row, const std::string& last) const {
        std::string text;
        for (std::size_t column = 0; column < row.size(); ++column) {
            if (!is_left_out_[column]) {
                text += row[column];
                text.append(widths_[column] - width_of(row[column]) + 1, ' ');
            }
        }
        text += last;
        return fitted_start(text.substr(0, text.find_last_not_of(' ') + 1), width_) + "\n";
    }

private:
    [[nodiscard]] std::size_t used() const {
        std::size_t sum = 0;
        for (std::size_t column = 0; column < widths_.size(); ++column) {
            sum += is_left_out_[column] ? 0 : widths_[column] + 1;
        }
        return sum;
    }

    std::size_t width_;
    std::array<std::size_t, headers.size()> widths_{};
    std::array<bool, headers.size()> is_left_out_{};
    bool has_command_ = true;
};

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
    const Columns columns(rows, shape.width);
    std::string text;
    auto row = rows.begin();
    if (shape.headers) {
        const std::string line =
            columns.line(*row++, std::string(columns.has_command() ? last_header : left_out_mark));
        text += shape.coloured ? in_bold(line.substr(0, line.size() - 1)) + "\n" : line;
    }
    for (const ListedSocket& entry : listing.sockets) {
        text += columns.line(
            *row++, columns.has_command() ? command_of(listing, entry, columns.room_of_command()) : "");
    }
    return text;
}

} // namespace portguard::tools
