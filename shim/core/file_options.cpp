#include "core/file_options.h"

namespace portguard {
namespace {

constexpr std::string_view file_prefix = "file:";

/// "file:PATH" into `path`; `otherwise`: what else the option takes.
template <std::size_t capacity>
bool copy_path(char (&path)[capacity], std::string_view value, std::string_view otherwise, TextWriter& why) {
    if (!starts_with(value, file_prefix)) {
        why.add("must be ").add(otherwise).add(" or file:/absolute/path");
        return false;
    }
    value.remove_prefix(file_prefix.size());
    if (!value.starts_with('/')) {
        why.add("is relative and would follow the program's chdir; expected file:/absolute/path");
        return false;
    }
    return copy_text(path, value, why);
}

/// For a file, what stands before its path.
std::string_view log_word(LogKind kind) {
    switch (kind) {
    case LogKind::file: return file_prefix;
    case LogKind::journal: return "journal";
    case LogKind::syslog: return "syslog";
    case LogKind::none: return "none";
    case LogKind::standard_error: break;
    }
    return "stderr";
}

} // namespace

bool assign_log(Config& config, std::string_view value, TextWriter& why) {
    for (const LogKind kind : {LogKind::standard_error, LogKind::journal, LogKind::syslog, LogKind::none}) {
        if (value == log_word(kind)) {
            config.log.kind = kind;
            return true;
        }
    }
    if (!copy_path(config.log.path, value, "stderr, journal, syslog, none", why)) {
        return false;
    }
    config.log.kind = LogKind::file;
    return true;
}

bool assign_record(Config& config, std::string_view value, TextWriter& why) {
    if (value == "none") {
        config.record[0] = '\0';
        return true;
    }
    return copy_path(config.record, value, "none", why);
}

void print_record(const Config& config, TextWriter& out) {
    if (config.record[0] == '\0') {
        out.add("none");
    } else {
        out.add(file_prefix).add(config.record);
    }
}

bool assign_remember(Config& config, std::string_view value, TextWriter& why) {
    if (value == "off" || value == "stack") {
        config.ring[0] = '\0';
    } else if (!copy_path(config.ring, value, "off, stack", why)) {
        return false;
    }
    config.remember = value == "off" ? Remember::off : Remember::stack;
    return true;
}

void print_remember(const Config& config, TextWriter& out) {
    if (config.remember == Remember::off) {
        out.add("off");
    } else if (config.ring[0] == '\0') {
        out.add("stack");
    } else {
        out.add(file_prefix).add(config.ring);
    }
}

void print_log(const Config& config, TextWriter& out) {
    out.add(log_word(config.log.kind));
    if (config.log.kind == LogKind::file) {
        out.add(config.log.path);
    }
}

} // namespace portguard
