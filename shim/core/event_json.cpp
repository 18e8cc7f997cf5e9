#include "core/event_json.h"

#include <chrono>

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

void add_padded(std::uint64_t value, std::uint64_t least_power, TextWriter& out) {
    for (; value < least_power && least_power > 1; least_power /= 10) {
        out.add('0');
    }
    out.add_number(value);
}

/// RFC 3339, UTC, milliseconds. gmtime_r(3) takes a lock.
void add_time(const timespec& now, TextWriter& out) {
    using namespace std::chrono;
    const sys_seconds instant{seconds(now.tv_sec)};
    const sys_days day = floor<days>(instant);
    const year_month_day date(day);
    const hh_mm_ss time(instant - day);
    add_padded(static_cast<std::uint64_t>(static_cast<int>(date.year())), 1000, out);
    out.add('-');
    add_padded(static_cast<unsigned>(date.month()), 10, out);
    out.add('-');
    add_padded(static_cast<unsigned>(date.day()), 10, out);
    out.add('T');
    add_padded(static_cast<std::uint64_t>(time.hours().count()), 10, out);
    out.add(':');
    add_padded(static_cast<std::uint64_t>(time.minutes().count()), 10, out);
    out.add(':');
    add_padded(static_cast<std::uint64_t>(time.seconds().count()), 10, out);
    out.add('.');
    add_padded(static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000, 100, out);
    out.add('Z');
}

/// Of the list in the schema, what follows from the kind of event alone.
std::string_view cause_of(EventKind kind) {
    switch (kind) {
    case EventKind::refused: return "outside_plan";
    case EventKind::exhausted: return "no_port_left";
    case EventKind::unavailable: return "no_such_address";
    case EventKind::privileged: return "privileged_port";
    case EventKind::ephemeral_listener: return "ephemeral_range";
    case EventKind::injected: return "injected";
    case EventKind::in_use:
    case EventKind::cured: break;
    }
    return "unknown";
}

void add_asked(const Endpoint& asked, TextWriter& out) {
    Text<64> address;
    print_address(asked, address);
    out.add(R"(,"family":)");
    add_text_or_null(asked.family == Family::ipv4 ? "ipv4" : asked.family == Family::ipv6 ? "ipv6" : "", out);
    out.add(R"(,"address":)");
    add_text_or_null(address.view(), out);
    out.add(R"(,"port":)").add_number(asked.port);
}

void add_errno(int error, TextWriter& out) {
    Text<32> name;
    if (error != 0) {
        print_errno(error, name);
    }
    add_text_or_null(name.view(), out);
}

} // namespace

void print_event_json(const Event& event, const PlainFacts& facts, TextWriter& out) {
    out.add(R"({"schema":)").add_number(event_schema_version).add(R"(,"time":")");
    add_time(facts.now, out);
    out.add(R"(","event":)");
    add_text(event_name(event.kind), out);
    out.add(R"(,"call":)");
    add_text(call_name(event.call), out);
    out.add(R"(,"errno":)");
    add_errno(event.error, out);
    out.add(R"(,"protocol":)");
    add_text(protocol_name(event.protocol), out);
    add_asked(event.asked, out);
    out.add(R"(,"socket":{"fd":)").add_number(static_cast<std::uint64_t>(facts.fd));
    out.add(R"(,"reuseaddr":null,"reuseport":null,"v6only":null,"device":null},"process":{"pid":)");
    out.add_number(static_cast<std::uint64_t>(event.pid)).add(R"(,"tid":null,"uid":null,"exe":)");
    add_path(facts.exe, out);
    out.add(
        R"(,"argv":null,"cwd":null,"netns":null,"ancestors":[]},"stack":[],"holders":[],"ports":null,"cause":)");
    add_text(cause_of(event.kind), out);
    out.add(R"(,"sentence":)");
    add_text(facts.reason.empty() ? outcome_of(event.kind) : facts.reason, out);
    out.add(R"(,"cures":[],"count":1,"missing":[)");
    if (!facts.missing.empty()) {
        add_text(facts.missing, out);
    }
    out.add("]}");
}

} // namespace portguard
