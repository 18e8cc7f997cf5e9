// `portguard map`.
#include <array>
#include <cstdlib>
#include <optional>

#include <unistd.h>

#include "tools/cli/command.h"
#include "tools/cli/resolve_config.h"
#include "tools/common/colour.h"
#include "tools/common/duration.h"
#include "tools/common/json_output.h"
#include "tools/common/netns.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"
#include "tools/map/port_map.h"
#include "tools/map/svg.h"
#include "tools/map/terminal_size.h"
#include "tools/map/terminal_text.h"
#include "tools/map/watch.h"

namespace portguard::tools {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view wide_name = "wide";
constexpr std::string_view svg_name = "svg";
constexpr std::string_view watch_name = "watch";

constexpr std::array parameters{
    Parameter{wide_name, "", "", "use the whole terminal, or 160 columns where there is none"},
    Parameter{svg_name, "FILE|-", "text",
              "write a picture instead, in which each port has a title: process and state; - is standard "
              "output"},
    Parameter{.name = watch_name,
              .values = duration_values,
              .fallback = "once; 2s where --watch has no value",
              .help = "refresh in place, until q or ctrl-C",
              .optional_value = true,
              .letter = 'w'},
    netns_parameter,
    color_parameter,
    json_parameter,
};

constexpr std::array combinations{
    Combination{wide_name, excluded, json_parameter.name},
    Combination{color_parameter.name, excluded, json_parameter.name},
};

struct MapWish {
    Config config;
    /// Look for the process of every connection, not only of those that are in the way.
    bool all_processes = false;
};

HostFacts facts_for(const MapWish& wish) {
    PortSet told = wish.config.listen;
    if (wish.all_processes) {
        told.insert({1, 65535});
    }
    return gather_facts({.listen = told, .flags = false});
}

ExitCode exit_code_of(const PortMap& map) {
    return map.collisions.empty() ? ExitCode::success : ExitCode::findings;
}

TextStyle style_for(const Arguments& arguments) {
    const TerminalSize size = terminal_size(STDOUT_FILENO, arguments.has(wide_name));
    return {wants_colour(arguments, STDOUT_FILENO), size.columns, size.lines};
}

/// What --watch cannot be had with.
void check_watch(const Arguments& arguments) {
    for (const std::string_view name : {svg_name, json_parameter.name}) {
        if (arguments.has(name)) {
            throw Refusal(ExitCode::usage, "--watch draws on the terminal, and does not go with " +
                                               spelled(name) + "; use one of the two");
        }
    }
    if (::isatty(STDOUT_FILENO) != 1) {
        throw Refusal(ExitCode::usage, "--watch draws on a terminal, and standard output is not one; without "
                                       "--watch the map is printed once");
    }
}

int watch_map(const Arguments& arguments, const MapWish& wish, std::chrono::milliseconds interval) {
    ExitCode code = ExitCode::success;
    watch(interval, [&] {
        const HostFacts facts = facts_for(wish);
        const PortMap map = map_ports(facts, plan_for(wish.config, facts));
        code = exit_code_of(map);
        return terminal_text(map, style_for(arguments));
    });
    return static_cast<int>(code);
}

void show(const Arguments& arguments, const PortMap& map) {
    const std::string* const svg = arguments.value(svg_name);
    if (svg != nullptr && *svg == "-") {
        print(svg_picture(map));
        return;
    }
    if (svg != nullptr) {
        replace_file(*svg, svg_picture(map));
    }
    if (arguments.has(json_parameter.name)) {
        print(json_report(map));
    } else if (svg != nullptr) {
        print(collision_lines(map, style_for(arguments), map.collisions.size()));
    } else {
        print(terminal_text(map, style_for(arguments)));
    }
}

int map(const Arguments& arguments) {
    const ResolvedConfig resolved(arguments, environ, Mistakes::reported);
    const std::string* const svg = arguments.value(svg_name);
    const bool as_json = arguments.has(json_parameter.name);
    if (svg != nullptr && *svg == "-" && as_json) {
        throw Refusal(ExitCode::usage, "--svg=- and --json both go to standard output; use --svg=FILE");
    }
    const MapWish wish{resolved.draft().config, svg != nullptr || as_json};
    if (arguments.has(watch_name)) {
        // Checked first, since nobody can read a sentence below the other screen.
        const bool is_alone = arguments.value(watch_name)->empty();
        const auto interval = is_alone ? 2s : *duration_of(arguments, watch_name);
        check_watch(arguments);
        enter_netns(arguments);
        return watch_map(arguments, wish, interval);
    }
    enter_netns(arguments);
    const HostFacts facts = facts_for(wish);
    const PortMap ports = map_ports(facts, plan_for(wish.config, facts));
    show(arguments, ports);
    return static_cast<int>(exit_code_of(ports));
}

} // namespace

const Command map_command{
    .name = "map",
    .summary = "draws the 65,536 ports: plan, listeners, connections, collisions",
    .description = R"(
Draws what each port is meant for (--listen, --ephemeral, net.ipv4.ip_local_reserved_ports) and what it is used
for. A collision, such as a listener on a port that outgoing connections are given, is red and named below the
map; `portguard check` explains it and names the fix.

Drawn are TCP listeners, ports that are only bound, UDP, outgoing connections and TIME_WAIT, TCP and UDP, IPv4
and IPv6 together. Connections that came in have the port of their listener, and are not drawn apart.

A collision is a TCP listener on a port that outgoing connections are given, or an outgoing connection, or its
TIME_WAIT, on a port of --listen.

In a cell of several ports a listener is shown before all else; otherwise what most of its ports are used for.
Letters say what colours do, and so a copy of the map says it, too.

--svg writes a file that needs nothing else, light or dark as the viewer has it. A file of that name is
replaced once the new one is whole; links, folders and devices are left alone.

Any user may look; the processes of other users are shown to root only.
)",
    .exit_status = R"(
0 no collisions
1 collisions
2 the command line is wrong, or the file cannot be written
)",
    .examples = R"(
portguard map --listen=5000-14999 --ephemeral=15000-65000
portguard map --wide --watch
portguard map --svg=ports.svg
)",
    .guard = GuardOptions::plan,
    .own = parameters,
    .combinations = combinations,
    .run = map,
};

} // namespace portguard::tools
