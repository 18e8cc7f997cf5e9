// The configuration: plain values, from text. Where the text comes from is the caller's business.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/inject.h"
#include "core/port_set.h"
#include "core/text.h"

namespace portguard {

// In every enumeration the default comes first, so that the guard's own Config is all zero until it is read,
// and needs no memory in the object file.
enum class Mode : std::uint8_t { enforce, observe, off };
/// `automatic`: EACCES, and EADDRINUSE for UDP.
enum class DenyErrno : std::uint8_t { automatic, eacces, eperm, eaddrnotavail, eaddrinuse };
enum class ReuseAddress : std::uint8_t { automatic, listeners, off };
enum class Lease : std::uint8_t { off, on, all };
enum class PortZero : std::uint8_t { ephemeral, listen };
enum class RangeMethod : std::uint8_t { automatic, socket, bind, off };
enum class Diagnosis : std::uint8_t { full, stack, line, off };
enum class Remember : std::uint8_t { off, stack };
/// Of a stack that a script has a part in.
enum class StackView : std::uint8_t { script, full };
enum class LogKind : std::uint8_t { standard_error, file, none, journal, syslog };
/// `automatic`: JSON in a file, which `portguard events` reads back, and text everywhere else.
enum class Format : std::uint8_t { automatic, text, json };
enum class Level : std::uint8_t { info, warn, error };

/// With the pid in it, and its NUL.
inline constexpr std::size_t log_path_capacity = 600;

struct LogTarget {
    LogKind kind = LogKind::standard_error;
    /// Absolute, NUL-terminated; "%p" stands for the pid of the process that writes.
    char path[512] = {};
};

/// Every option that is a number. Together, since the guard keeps them zero until it reads (guard.cpp).
struct Limits {
    /// Frames of a stack that are shown; 0: none.
    std::uint16_t stack_depth;
    /// What one look-up for a report may take.
    std::uint16_t budget_ms;
    /// Reports a second and process; the rest is counted.
    std::uint16_t max_reports;
};
inline constexpr Limits default_limits{.stack_depth = 32, .budget_ms = 200, .max_reports = 20};

struct Config {
    /// Empty: net.ipv4.ip_local_port_range.
    PortRange ephemeral;
    Mode mode = Mode::enforce;
    DenyErrno deny_errno = DenyErrno::automatic;
    ReuseAddress reuseaddr = ReuseAddress::automatic;
    PortZero port_zero = PortZero::ephemeral;
    Lease lease = Lease::off;
    RangeMethod range_method = RangeMethod::automatic;
    Diagnosis diagnosis = Diagnosis::full;
    Remember remember = Remember::off;
    StackView stack = StackView::script;
    /// False: `listen` is empty. Kept apart because the empty-check of a bit set is long and bind asks each
    /// time.
    bool has_listen = false;
    /// Program names, separated by commas, NUL-terminated; empty: every program.
    char only[512] = {};
    LogTarget log;
    Format format = Format::automatic;
    /// Events below it are not told.
    Level level = Level::info;
    Limits limits = default_limits;
    /// Empty: no plan, nothing is refused. Here, lest what each exec reads lie on both sides of 8 KiB that
    /// most of them leave zero.
    PortSet listen;
    /// Faults on purpose, in enforce and in observe.
    InjectRules inject;
    /// A file like LogTarget's that has every event as well, as JSON; empty: none.
    char record[512] = {};
    /// The file for Remember::stack (core/ring.h), absolute; empty: one of the user's below /dev/shm.
    char ring[512] = {};
};

/// Where a value came from; later ones beat earlier ones.
enum class Origin : std::uint8_t { fallback, file, environment, command_line };

struct Place {
    Origin origin = Origin::fallback;
    /// For Origin::file: the file's name (not owned) and the line, counted from 1.
    std::string_view file;
    std::uint32_t line = 0;
};

/// "default", "/etc/portguard.conf:3", "environment", "command line".
void print_place(const Place& place, TextWriter& out);

inline constexpr std::size_t option_capacity = 24;

/// One configuration in the making: the values and where each came from, by index in option_table().
struct Draft {
    std::array<Place, option_capacity> places{};
    Config config;
};

inline constexpr std::string_view environment_prefix = "PORTGUARD_";
/// PORTGUARD_CI_<NAME>: what PORTGUARD_<NAME> was before `portguard ci` set it; empty: it was not set.
inline constexpr std::string_view put_aside_prefix = "PORTGUARD_CI_";
inline constexpr std::string_view default_config_path = "/etc/portguard.conf";
/// A configuration file is shorter than this: the preloaded object reads it into memory of its own.
inline constexpr std::size_t config_file_capacity = 65536;

/// One `name = value`. Dashes and underscores in `name` are the same. False: `why` is one sentence that names
/// key, value, place and what is expected, without a full stop.
bool apply_option(Draft& draft, std::string_view name, std::string_view value, const Place& place,
                  TextWriter& why);

/// The text of a configuration file: `name = value` a line, '#' and ';' start a comment (sysctl.conf(5)).
bool apply_file(Draft& draft, std::string_view text, std::string_view file_name, TextWriter& why);

/// Every PORTGUARD_<NAME> of `environment` (NULL-terminated, environ(7)) but PORTGUARD_CONFIG, which names
/// the file, PORTGUARD_TEST_*, which belongs to the tests, and what `portguard ci` has put aside.
bool apply_environment(Draft& draft, const char* const* environment, TextWriter& why);

/// The value of PORTGUARD_CONFIG in `environment`; null: not set.
const char* config_path_in(const char* const* environment);

/// What only the whole can show: listen and ephemeral overlap, port_zero=listen without listen.
bool check_whole(const Draft& draft, TextWriter& why);

/// What `format` comes to for this `log`.
inline bool writes_json(const Config& config) {
    return config.format == Format::json ||
           (config.format == Format::automatic && config.log.kind == LogKind::file);
}

/// `name` is the base name of the program or script that runs.
bool is_active_in(const Config& config, std::string_view name);

} // namespace portguard
