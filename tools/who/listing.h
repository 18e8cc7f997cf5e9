// Many ports at once: every listener of the host, or what holds the ports that were asked about.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "kernel/holders.h"
#include "kernel/sysctls.h"
#include "tools/who/questions.h"
#include "tools/who/who_answer.h"

namespace portguard {
struct Manager;
}

namespace portguard::tools {

/// Where a port lies.
enum class PlanPlace : std::uint8_t {
    /// No plan is given, and outgoing connections do not get it.
    unplanned,
    /// In `listen`.
    listen,
    /// Among those that outgoing connections are given.
    ephemeral,
    /// In neither.
    outside,
};

struct ListedSocket {
    /// Index of the first of those that are one line, in Listing::report.
    std::size_t holder = 0;
    /// Listeners of one address that share it, or connections of one process in one state.
    std::size_t count = 1;
    /// Of all of them, each once.
    std::vector<pid_t> pids = {};
    /// "nginx.service", "docker:0123456789ab"; empty: none.
    std::string unit = {};
    PlanPlace place = PlanPlace::unplanned;
};

struct Listing {
    HolderReport report;
    /// By port, protocol, address.
    std::vector<ListedSocket> sockets;
    /// Those that were asked about and that nothing holds, of any protocol that was asked about.
    PortSet free;

    [[nodiscard]] const Holder& first(const ListedSocket& entry) const {
        return report.holders[entry.holder];
    }
};

/// `words` empty: every listener.
Listing list_sockets(const std::vector<AskedPorts>& words, std::optional<Protocol> protocol,
                     const Config& config);

struct TableShape {
    bool headers = true;
    /// Users by number.
    bool numeric = false;
    std::size_t width = unlimited_width;
    /// The headers are bold.
    bool coloured = false;
};

/// A line each, in columns that a blank at least parts; what is unknown or nothing is "-".
std::string listing_text(const Listing& listing, const TableShape& shape);
/// An object a line, as share/portguard/who-list.schema.json describes it.
std::string listing_json(const Listing& listing);

/// What is no record, on stderr: the ports that are free, and what could not be seen.
void tell_beside(const Listing& listing);

/// "nginx.service", "docker:0123456789ab"; empty: none.
std::string unit_of(const Manager& manager);

std::string_view place_word(PlanPlace place);

} // namespace portguard::tools
