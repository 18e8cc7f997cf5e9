#include "core/options.h"

#include <array>
#include <cerrno>
#include <cstddef>

#include "core/file_options.h"
#include "core/number.h"

namespace portguard {
namespace {

unsigned char* bytes_of(Config& config) {
    return reinterpret_cast<unsigned char*>(&config);
}

bool assign_word(const OptionValue& option, Config& config, std::string_view text, TextWriter& why) {
    const std::span<const std::string_view> words = option.words();
    for (std::size_t index = 0; index < words.size(); ++index) {
        if (words[index] == text) {
            bytes_of(config)[option.offset] = static_cast<unsigned char>(index);
            return true;
        }
    }
    why.add("must be ");
    for (std::size_t word = 0; word < words.size(); ++word) {
        why.add(word == 0 ? "" : word + 1 == words.size() ? " or " : ", ").add(words[word]);
    }
    return false;
}

bool assign_number(const OptionValue& option, Config& config, std::string_view text, TextWriter& why) {
    const std::uint32_t number = parse_number<std::uint32_t>(text).value_or(~0U);
    if (number < option.low || number > option.high) {
        why.add("must be a number from ").add_number(option.low).add(" to ").add_number(option.high);
        return false;
    }
    *reinterpret_cast<std::uint16_t*>(bytes_of(config) + option.offset) = static_cast<std::uint16_t>(number);
    return true;
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

bool assign_ephemeral(Config& config, std::string_view value, TextWriter& why) {
    if (!parse_port_range(value, config.ephemeral, why)) {
        why.add("; expected one range, as in 15000-65000");
        return false;
    }
    return true;
}

constexpr std::array<std::string_view, 3> format_words{"auto", "text", "json"};
constexpr std::array<std::string_view, 3> level_words{"info", "warn", "error"};

using Kind = OptionValue::Kind;

constexpr OptionValue of_kind(Kind kind) {
    return {.kind = kind};
}

template <typename Enumeration>
constexpr OptionValue one_of(std::span<const std::string_view> words, std::size_t offset) {
    static_assert(sizeof(Enumeration) == 1, "assign_word writes one byte");
    return {.kind = Kind::word,
            .word_count = static_cast<std::uint8_t>(words.size()),
            .offset = static_cast<std::uint16_t>(offset),
            .first_word = words.data()};
}
#define ONE_OF(words, member) one_of<decltype(Config::member)>(words, offsetof(Config, member))

constexpr OptionValue number_at(std::size_t offset, std::uint16_t low, std::uint16_t high) {
    return {.kind = Kind::number, .offset = static_cast<std::uint16_t>(offset), .low = low, .high = high};
}
#define NUMBER(member, low, high) number_at(offsetof(Config, limits.member), low, high)

constexpr std::array table{
    Option{"listen", "PORT|LOW-HIGH[,...]", "unset: nothing is refused", "ports that programs may listen on",
           of_kind(Kind::listen)},
    Option{"ephemeral", "LOW-HIGH", "unset: net.ipv4.ip_local_port_range",
           "ports that outgoing connections are given", of_kind(Kind::ephemeral)},
    Option{"mode", "enforce|observe|off", "enforce",
           "observe changes nothing and reports what enforce would have done", ONE_OF(mode_words, mode)},
    Option{"deny_errno", "auto|EACCES|EPERM|EADDRNOTAVAIL|EADDRINUSE", "auto",
           "what bind and listen return for a port outside listen; auto: EACCES, for UDP EADDRINUSE",
           ONE_OF(deny_words, deny_errno)},
    Option{"reuseaddr", "auto|listeners|off", "auto",
           "what is given SO_REUSEADDR: listeners and outgoing connections, only listeners, nothing",
           ONE_OF(reuse_words, reuseaddr)},
    Option{"port_zero", "ephemeral|listen", "ephemeral", "where bind to port 0 finds its port",
           ONE_OF(port_zero_words, port_zero)},
    Option{"lease", "off|on|all", "off",
           "a TCP port that was picked by bind to port 0 stays the tree's for 60 s; on: at most half of the "
           "range",
           ONE_OF(lease_words, lease), "on"},
    Option{"range_method", "auto|socket|bind|off", "auto",
           "how outgoing connections are kept in ephemeral: IP_LOCAL_PORT_RANGE, an explicit bind, neither",
           ONE_OF(range_words, range_method)},
    Option{"only", "NAME[,...]", "unset: every program",
           "program names in which the guard is active, for wrapping a whole build", of_kind(Kind::only)},
    Option{"log", "stderr|journal|syslog|file:PATH|none", "stderr", "where events go; %p in PATH is the pid",
           of_kind(Kind::log)},
    Option{"record", "file:PATH|none", "none",
           "where events go as well, as JSON, whatever log and format say", of_kind(Kind::record)},
    Option{
        "remember", "off|stack|file:PATH", "off",
        "keep where in the code each port was taken, in a file of the user's or in PATH, for reports to come",
        of_kind(Kind::remember)},
    Option{"diagnosis", "full|stack|line|off", "full",
           "how much may be asked to explain an event: holders and stack, only the stack, one line, nothing",
           ONE_OF(diagnosis_words, diagnosis)},
    Option{
        "format", "auto|text|json", "auto",
        "how an event is written: for people, or one JSON object per line; auto: JSON in a file, else text",
        ONE_OF(format_words, format)},
    Option{"level", "info|warn|error", "info",
           "the least that is reported: cures (info), ports at risk (warn), failures (error)",
           ONE_OF(level_words, level)},
    Option{"stack", "script|full", "script",
           "which frames a report shows people: the innermost ten, of a script its own; full: all",
           ONE_OF(stack_words, stack)},
    Option{"stack_depth", "0-128", "32", "frames of the calling stack that are shown; 0 is none",
           NUMBER(stack_depth, 0, 128)},
    Option{"budget_ms", "1-10000", "200", "milliseconds that explaining one event may take",
           NUMBER(budget_ms, 1, 10000)},
    Option{"max_reports", "1-1000", "20", "reports per second and process; the rest are counted",
           NUMBER(max_reports, 1, 1000)},
    Option{"inject", "CALL:PORT:ERRNO[:WHEN][,...]", "unset: no call",
           "calls that fail on purpose: bind, listen or connect; WHEN is 1, 3-5 or 10%:seed=7",
           of_kind(Kind::inject)},
};
#undef ONE_OF
#undef NUMBER
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

bool Option::assign(Config& config, std::string_view text, TextWriter& why) const {
    switch (value.kind) {
    case Kind::word: return assign_word(value, config, text, why);
    case Kind::number: return assign_number(value, config, text, why);
    case Kind::listen: return assign_listen(config, text, why);
    case Kind::ephemeral: return assign_ephemeral(config, text, why);
    case Kind::only: return copy_text(config.only, text, why);
    case Kind::log: return assign_log(config, text, why);
    case Kind::record: return assign_record(config, text, why);
    case Kind::remember: return assign_remember(config, text, why);
    case Kind::inject: return parse_inject(text, config.inject, why);
    }
    return false;
}

int errno_value(DenyErrno choice) {
    constexpr std::array values{EACCES, EACCES, EPERM, EADDRNOTAVAIL, EADDRINUSE};
    return values[static_cast<std::size_t>(choice)];
}

} // namespace portguard
