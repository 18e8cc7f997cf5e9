#include "core/event_json.h"

#include "core/civil_date.h"
#include "core/errno_name.h"

namespace portguard {
namespace {

/// What a reader of JSON or a terminal could act on is shown as '?'.
void add_text(std::string_view text, TextWriter& out) {
    out.add('"');
    for (const char character : std::string_view(text.data(), std::min(text.size(), longest_plain_text))) {
        out.add(character == '"' || character == '\\' ? "\\" : "");
        out.add_untrusted({&character, 1});
    }
    out.add(text.size() > longest_plain_text ? "...\"" : "\"");
}

void add_text_or_null(std::string_view text, TextWriter& out) {
    if (text.empty()) {
        out.add("null");
    } else {
        add_text(text, out);
    }
}

/// Null where it would be another file's name.
void add_path(std::string_view path, TextWriter& out) {
    Text<longest_plain_text> shown;
    shown.add_untrusted(path);
    add_text_or_null(shown.view() == path ? path : "", out);
}

void add_padded(std::uint32_t value, std::uint32_t least_power, TextWriter& out) {
    for (; value < least_power && least_power > 1; least_power /= 10) {
        out.add('0');
    }
    out.add_number(value);
}

/// Of the list in the schema, what follows from the kind of event alone.
std::string_view cause_of(EventKind kind) {
    switch (kind) {
    case EventKind::refused: return "outside_plan";
    case EventKind::exhausted: return "no_port_left";
    case EventKind::unavailable: return "no_such_address";
    case EventKind::ephemeral_listener: return "ephemeral_range";
    case EventKind::injected: return "injected";
    case EventKind::joined: return "group_joined_already";
    // The port's number, or a sandbox.
    case EventKind::privileged:
    case EventKind::invalid:
    case EventKind::in_use:
    case EventKind::cured: break;
    }
    return "unknown";
}

void add_address(const Event& event, TextWriter& out) {
    if (!event.unix_name.empty()) {
        Text<longest_plain_text> shown;
        print_unix_name(event.unix_name, shown);
        add_text(shown.view(), out);
        return;
    }
    const Endpoint& asked = event.asked;
    Text<64> address;
    print_address(asked, address);
    add_text_or_null(address.view(), out);
}

void add_errno(int error, TextWriter& out) {
    Text<32> name;
    if (error != 0) {
        print_errno(error, name);
    }
    add_text_or_null(name.view(), out);
}

void add_list_of(std::string_view text, TextWriter& out) {
    out.add('[');
    if (!text.empty()) {
        add_text(text, out);
    }
    out.add(']');
}

void add_quoted_time(const timespec& time, TextWriter& out) {
    out.add('"');
    print_time(time, out);
    out.add('"');
}

void add_socket(int fd, TextWriter& out) {
    out.add(R"({"fd":)").add_number(static_cast<std::uint64_t>(fd));
    out.add(R"(,"reuseaddr":null,"reuseport":null,"v6only":null,"device":null})");
}

void add_process(int pid, std::string_view exe, TextWriter& out) {
    out.add(R"({"pid":)").add_number(static_cast<std::uint64_t>(pid)).add(R"(,"tid":null,"uid":null,"exe":)");
    add_path(exe, out);
    out.add(R"(,"argv":null,"cwd":null,"netns":null,"ancestors":[]})");
}

void add_value(EventField field, const Event& event, const PlainFacts& facts, TextWriter& out) {
    switch (field) {
    case EventField::schema: out.add_number(event_schema_version); break;
    case EventField::time: add_quoted_time(facts.now, out); break;
    case EventField::event: add_text(event_name(event.kind), out); break;
    case EventField::call: add_text(call_name(event.call), out); break;
    case EventField::error: add_errno(event.error, out); break;
    case EventField::family:
        add_text_or_null(event.unix_name.empty() ? family_name(event.asked.family) : "unix", out);
        break;
    case EventField::protocol: add_text(protocol_name(event.protocol), out); break;
    case EventField::address: add_address(event, out); break;
    case EventField::port: out.add_number(event.asked.port); break;
    case EventField::socket: add_socket(facts.fd, out); break;
    case EventField::process: add_process(event.pid, facts.exe, out); break;
    case EventField::picked:
    case EventField::ports: out.add("null"); break;
    case EventField::cause: add_text(cause_of(event.kind), out); break;
    case EventField::sentence:
        add_text(facts.reason.empty() ? outcome_of(event.kind) : facts.reason, out);
        break;
    case EventField::stack:
    case EventField::script:
    case EventField::holders:
    case EventField::evidence:
    case EventField::cures: out.add("[]"); break;
    case EventField::count: out.add('1'); break;
    case EventField::missing: add_list_of(facts.missing, out); break;
    }
}

} // namespace

void print_time(const timespec& at, TextWriter& out) {
    constexpr long day_length = 86400;
    const long before_epoch = at.tv_sec < 0 ? 1 : 0;
    const long day = (at.tv_sec + before_epoch) / day_length - before_epoch;
    const auto second_of_day = static_cast<std::uint32_t>(at.tv_sec - day * day_length);
    const CivilDate date = date_of_day(day);
    add_padded(static_cast<std::uint32_t>(date.year), 1000, out);
    out.add('-');
    add_padded(date.month, 10, out);
    out.add('-');
    add_padded(date.day, 10, out);
    out.add('T');
    add_padded(second_of_day / 3600, 10, out);
    out.add(':');
    add_padded(second_of_day / 60 % 60, 10, out);
    out.add(':');
    add_padded(second_of_day % 60, 10, out);
    out.add('.');
    add_padded(static_cast<std::uint32_t>(at.tv_nsec) / 1'000'000, 100, out);
    out.add('Z');
}

std::string_view family_name(Family family) {
    switch (family) {
    case Family::ipv4: return "ipv4";
    case Family::ipv6: return "ipv6";
    case Family::other: break;
    }
    return {};
}

void print_event_json(const Event& event, const PlainFacts& facts, TextWriter& out) {
    char separator = '{';
    for (const NamedEventField& entry : event_fields) {
        out.add(separator).add('"').add(entry.name).add("\":");
        add_value(entry.field, event, facts, out);
        separator = ',';
    }
    out.add('}');
}

} // namespace portguard
