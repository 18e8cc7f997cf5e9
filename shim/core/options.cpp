#include "core/options.h"

#include <array>
#include <cerrno>

#include "core/file_options.h"
#include "core/number.h"

namespace portguard {
namespace {

/// `words` of an enumeration, in its order.
bool assign_word(std::span<const std::string_view> words, std::string_view value, std::size_t& index,
                 TextWriter& why) {
    for (index = 0; index < words.size(); ++index) {
        if (words[index] == value) {
            return true;
        }
    }
    why.add("must be ");
    for (std::size_t word = 0; word < words.size(); ++word) {
        why.add(word == 0 ? "" : word + 1 == words.size() ? " or " : ", ").add(words[word]);
    }
    return false;
}

template <const auto& words, auto member>
bool assign_enum(Config& config, std::string_view value, TextWriter& why) {
    std::size_t index = 0;
    if (!assign_word(words, value, index, why)) {
        return false;
    }
    config.*member = static_cast<std::remove_reference_t<decltype(config.*member)>>(index);
    return true;
}

/// One that came from elsewhere may be none of them: "?", which assign_word refuses.
void print_word(std::span<const std::string_view> words, std::size_t index, TextWriter& out) {
    out.add(index < words.size() ? words[index] : "?");
}

template <const auto& words, auto member>
void print_enum(const Config& config, TextWriter& out) {
    print_word(words, static_cast<std::size_t>(config.*member), out);
}

constexpr std::array<std::string_view, 3> mode_words{"enforce", "observe", "off"};
constexpr std::array<std::string_view, 5> deny_words{"auto", "EACCES", "EPERM", "EADDRNOTAVAIL",
                                                     "EADDRINUSE"};
constexpr std::array<std::string_view, 3> reuse_words{"auto", "listeners", "off"};
constexpr std::array<std::string_view, 2> port_zero_words{"ephemeral", "listen"};
constexpr std::array<std::string_view, 3> lease_words{"off", "on", "all"};
constexpr std::array<std::string_view, 4> range_words{"auto", "socket", "bind", "off"};
constexpr std::array<std::string_view, 4> diagnosis_words{"full", "stack", "line", "off"};
constexpr std::array<std::string_view, 2> stack_words{"script", "full"};

bool assign_listen(Config& config, std::string_view value, TextWriter& why) {
    if (!parse_port_set(value, config.listen, why)) {
        why.add("; expected ports and ranges, as in 80,443,5000-14999");
        return false;
    }
    config.has_listen = true;
    return true;
}

void print_listen(const Config& config, TextWriter& out) {
    print_port_set(config.listen, out);
}

bool assign_ephemeral(Config& config, std::string_view value, TextWriter& why) {
    if (!parse_port_range(value, config.ephemeral, why)) {
        why.add("; expected one range, as in 15000-65000");
        return false;
    }
    return true;
}

void print_ephemeral(const Config& config, TextWriter& out) {
    if (!config.ephemeral.empty()) {
        print_port_range(config.ephemeral, out);
    }
}

bool assign_only(Config& config, std::string_view value, TextWriter& why) {
    return copy_text(config.only, value, why);
}

void print_only(const Config& config, TextWriter& out) {
    out.add(config.only);
}

template <auto member, std::uint16_t low, std::uint16_t high>
bool assign_number(Config& config, std::string_view value, TextWriter& why) {
    const std::optional<std::uint16_t> number = parse_number<std::uint16_t>(value);
    if (!number.has_value() || *number < low || *number > high) {
        why.add("must be a number from ").add_number(low).add(" to ").add_number(high);
        return false;
    }
    config.limits.*member = *number;
    return true;
}

template <auto member>
void print_number(const Config& config, TextWriter& out) {
    out.add_number(config.limits.*member);
}

bool assign_inject(Config& config, std::string_view value, TextWriter& why) {
    return parse_inject(value, config.inject, why);
}

void print_inject_rules(const Config& config, TextWriter& out) {
    print_inject(config.inject, out);
}

constexpr std::array<std::string_view, 3> format_words{"auto", "text", "json"};
constexpr std::array<std::string_view, 3> level_words{"info", "warn", "error"};

constexpr std::array table{
    Option{"listen", "PORT|LOW-HIGH[,...]", "unset: nothing is refused", "ports that programs may listen on",
           assign_listen, print_listen},
    Option{"ephemeral", "LOW-HIGH", "unset: net.ipv4.ip_local_port_range",
           "ports that outgoing connections are given", assign_ephemeral, print_ephemeral},
    Option{"mode", "enforce|observe|off", "enforce",
           "observe changes nothing and reports what enforce would have done",
           assign_enum<mode_words, &Config::mode>, print_enum<mode_words, &Config::mode>},
    Option{"deny_errno", "auto|EACCES|EPERM|EADDRNOTAVAIL|EADDRINUSE", "auto",
           "what bind and listen return for a port outside listen; auto: EACCES, for UDP EADDRINUSE",
           assign_enum<deny_words, &Config::deny_errno>, print_enum<deny_words, &Config::deny_errno>},
    Option{"reuseaddr", "auto|listeners|off", "auto",
           "what is given SO_REUSEADDR: listeners and outgoing connections, only listeners, nothing",
           assign_enum<reuse_words, &Config::reuseaddr>, print_enum<reuse_words, &Config::reuseaddr>},
    Option{"port_zero", "ephemeral|listen", "ephemeral", "where bind to port 0 finds its port",
           assign_enum<port_zero_words, &Config::port_zero>, print_enum<port_zero_words, &Config::port_zero>},
    Option{"lease", "off|on|all", "off",
           "a TCP port that was picked by bind to port 0 stays the tree's for 60 s; on: at most half of the "
           "range",
           assign_enum<lease_words, &Config::lease>, print_enum<lease_words, &Config::lease>, "on"},
    Option{"range_method", "auto|socket|bind|off", "auto",
           "how outgoing connections are kept in ephemeral: IP_LOCAL_PORT_RANGE, an explicit bind, neither",
           assign_enum<range_words, &Config::range_method>, print_enum<range_words, &Config::range_method>},
    Option{"only", "NAME[,...]", "unset: every program",
           "program names in which the guard is active, for wrapping a whole build", assign_only, print_only},
    Option{"log", "stderr|journal|syslog|file:PATH|none", "stderr", "where events go; %p in PATH is the pid",
           assign_log, print_log},
    Option{"record", "file:PATH|none", "none",
           "where events go as well, as JSON, whatever log and format say", assign_record, print_record},
    Option{
        "remember", "off|stack|file:PATH", "off",
        "keep where in the code each port was taken, in a file of the user's or in PATH, for reports to come",
        assign_remember, print_remember},
    Option{"diagnosis", "full|stack|line|off", "full",
           "how much may be asked to explain an event: holders and stack, only the stack, one line, nothing",
           assign_enum<diagnosis_words, &Config::diagnosis>, print_enum<diagnosis_words, &Config::diagnosis>},
    Option{
        "format", "auto|text|json", "auto",
        "how an event is written: for people, or one JSON object per line; auto: JSON in a file, else text",
        assign_enum<format_words, &Config::format>, print_enum<format_words, &Config::format>},
    Option{"level", "info|warn|error", "info",
           "the least that is reported: cures (info), ports at risk (warn), failures (error)",
           assign_enum<level_words, &Config::level>, print_enum<level_words, &Config::level>},
    Option{"stack", "script|full", "script",
           "which frames a report shows people: the innermost ten, of a script its own; full: all",
           assign_enum<stack_words, &Config::stack>, print_enum<stack_words, &Config::stack>},
    Option{"stack_depth", "0-128", "32", "frames of the calling stack that are shown; 0 is none",
           assign_number<&Limits::stack_depth, 0, 128>, print_number<&Limits::stack_depth>},
    Option{"budget_ms", "1-10000", "200", "milliseconds that explaining one event may take",
           assign_number<&Limits::budget_ms, 1, 10000>, print_number<&Limits::budget_ms>},
    Option{"max_reports", "1-1000", "20", "reports per second and process; the rest are counted",
           assign_number<&Limits::max_reports, 1, 1000>, print_number<&Limits::max_reports>},
    Option{"inject", "CALL:PORT:ERRNO[:WHEN][,...]", "unset: no call",
           "calls that fail on purpose: bind, listen or connect; WHEN is 1, 3-5 or 10%:seed=7", assign_inject,
           print_inject_rules},
};
static_assert(table.size() <= option_capacity, "Draft keeps one place an option");

bool same_name(std::string_view left, std::string_view right) {
    if (left.size() != right.size()) {
        return false;
    }
    for (std::size_t index = 0; index < left.size(); ++index) {
        const char character = left[index] == '-' ? '_' : left[index];
        if (character != right[index]) {
            return false;
        }
    }
    return true;
}

} // namespace

std::span<const Option> option_table() {
    return table;
}

std::size_t find_option(std::string_view name) {
    std::size_t index = 0;
    while (index < table.size() && !same_name(name, table[index].name)) {
        ++index;
    }
    return index;
}

int errno_value(DenyErrno choice) {
    constexpr std::array values{EACCES, EACCES, EPERM, EADDRNOTAVAIL, EADDRINUSE};
    return values[static_cast<std::size_t>(choice)];
}

} // namespace portguard
