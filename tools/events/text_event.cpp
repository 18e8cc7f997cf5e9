#include "tools/events/text_event.h"

#include <array>
#include <string>

#include <arpa/inet.h>
#include <nlohmann/json.hpp>

#include "core/errno_name.h"
#include "core/event_json.h"
#include "core/number.h"
#include "core/text.h"

namespace portguard::tools {
namespace {

constexpr std::string_view not_in_the_line =
    "what only JSON has: this was read from the first line of a report for people";

/// Where a report says more of the outcome, or the sentence proves a cause that no kind of event stands for.
struct Wording {
    std::string_view words;
    EventKind kind;
    std::string_view cause;
};
constexpr std::array other_outcomes{
    Wording{"connection exists", EventKind::exhausted, "four_tuple_in_use"},
    Wording{"not permitted", EventKind::privileged, "unknown"},
};
constexpr std::array harmless_sentences{
    Wording{"this process listens there already: fd ", EventKind::in_use, "covered_by_own_listener"},
    Wording{"the port is that of a client of this process", EventKind::in_use, "port_of_own_client"},
};

struct Head {
    Event event;
    std::string address;
    std::string_view cause;
    std::string_view why;
};

bool take(std::string_view& text, std::string_view word) {
    const bool is_there = text.starts_with(word);
    text.remove_prefix(is_there ? word.size() : 0);
    return is_there;
}

/// "bind tcp ".
bool take_call(std::string_view& text, Event& event) {
    std::string_view rest = text;
    const auto call = call_named(next_field(rest, ' '));
    const auto protocol = protocol_named(next_field(rest, ' '));
    if (!call.has_value() || !protocol.has_value()) {
        return false;
    }
    event.call = *call;
    event.protocol = *protocol;
    text = rest;
    return true;
}

/// "python3[5861]: bind tcp ": the name of a program may hold anything.
bool take_program(std::string_view& text, Event& event) {
    constexpr std::string_view end_of_pid = "]: ";
    for (std::size_t end = text.find(end_of_pid); end != std::string_view::npos;
         end = text.find(end_of_pid, end + 1)) {
        const std::size_t start = text.substr(0, end).rfind('[');
        std::string_view rest = text.substr(end + end_of_pid.size());
        const auto pid = start == std::string_view::npos
                             ? std::nullopt
                             : parse_number<int>(text.substr(start + 1, end - start - 1));
        if (pid.has_value() && take_call(rest, event)) {
            event.program = text.substr(0, start);
            event.pid = *pid;
            text = rest;
            return true;
        }
    }
    return false;
}

/// "in use (EADDRINUSE)" with what follows, or nothing.
bool take_outcome(std::string_view& text, Head& head) {
    std::string_view rest = text;
    head.cause = {};
    bool is_known = false;
    for (std::size_t index = 0; index < event_names.size() && !is_known; ++index) {
        head.event.kind = static_cast<EventKind>(index);
        is_known = take(rest, outcome_of(head.event.kind));
    }
    for (const Wording& other : other_outcomes) {
        if (!is_known && take(rest, other.words)) {
            is_known = true;
            head.event.kind = other.kind;
            head.cause = other.cause;
        }
    }
    if (is_known && take(rest, " (")) {
        const auto error = errno_named(next_field(rest, ')'));
        is_known = error.has_value();
        head.event.error = error.value_or(0);
    }
    if (!is_known || !(rest.empty() || take(rest, ": "))) {
        return false;
    }
    text = rest;
    return true;
}

bool read_address(std::string_view text, Event& event) {
    const std::size_t colon = event.call == Call::setsockopt ? std::string_view::npos : text.rfind(':');
    std::string_view address = text.substr(0, colon);
    if (colon != std::string_view::npos) {
        const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
        event.asked.port = port.value_or(0);
        if (!port.has_value()) {
            return false;
        }
    }
    if (address.starts_with('[') && address.ends_with(']')) {
        address = address.substr(1, address.size() - 2);
    }
    if (address == "*" || address.empty()) {
        return true;
    }
    const bool is_ipv6 = address.find(':') != std::string_view::npos;
    event.asked.family = is_ipv6 ? Family::ipv6 : Family::ipv4;
    return ::inet_pton(is_ipv6 ? AF_INET6 : AF_INET, std::string(address).c_str(),
                       event.asked.address.data()) == 1;
}

/// The address of a unix socket may hold ": " as well: the outcome behind it decides.
bool take_address_and_outcome(std::string_view& text, Head& head) {
    constexpr std::string_view separator = ": ";
    for (std::size_t end = text.find(separator); end != std::string_view::npos;
         end = text.find(separator, end + 1)) {
        std::string_view rest = text.substr(end + separator.size());
        if (take_outcome(rest, head)) {
            head.address = text.substr(0, end);
            text = rest;
            return head.event.protocol == Protocol::unix_domain || read_address(head.address, head.event);
        }
    }
    return false;
}

/// " (3 times)" at the end.
std::uint64_t take_count(std::string_view& text) {
    constexpr std::string_view times = " times)";
    const std::size_t start = text.ends_with(times) ? text.rfind(" (") : std::string_view::npos;
    if (start == std::string_view::npos) {
        return 1;
    }
    const auto count =
        parse_number<std::uint64_t>(text.substr(start + 2, text.size() - times.size() - start - 2));
    text = count.has_value() ? text.substr(0, start) : text;
    return count.value_or(1);
}

/// Null: the line holds more than an event's own line may.
nlohmann::json json_of(const Head& head, std::uint64_t count, std::optional<Instant> instant) {
    PlainFacts facts;
    facts.reason = head.why;
    facts.missing = not_in_the_line;
    std::string memory(plain_event_capacity, '\0');
    TextWriter writer(memory.data(), memory.size());
    print_event_json(head.event, facts, writer);
    nlohmann::json event = nlohmann::json::parse(writer.view(), nullptr, false);
    if (event.is_discarded()) {
        return nullptr;
    }
    event["time"] = text_of_instant(instant.value_or(Instant{0}));
    if (head.event.protocol == Protocol::unix_domain) {
        event["address"] = head.address;
        event["family"] = "unix";
    }
    event["socket"]["fd"] = -1;
    event["process"]["argv"] = {std::string(head.event.program)};
    event["count"] = count;
    if (!head.why.empty()) {
        event["sentence"] = std::string(head.why);
    }
    if (!head.cause.empty()) {
        event["cause"] = head.cause;
    }
    return event;
}

std::string text_of(const nlohmann::json& event) {
    return event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string_view cause_in(const Head& head) {
    for (const Wording& harmless : harmless_sentences) {
        if (head.event.kind == harmless.kind && head.why.starts_with(harmless.words)) {
            return harmless.cause;
        }
    }
    return head.cause;
}

} // namespace

std::optional<EventRecord> read_text_event(std::string_view line, std::optional<Instant> instant) {
    Head head;
    if (!take(line, report_prefix) || !take_program(line, head.event) ||
        !take_address_and_outcome(line, head)) {
        return std::nullopt;
    }
    const std::uint64_t count = take_count(line);
    head.why = line;
    head.cause = cause_in(head);
    nlohmann::json json = json_of(head, count, instant);
    ParsedEvent parsed = parse_event(text_of(json));
    if (parsed.event.has_value()) {
        parsed.event->is_from_text = true;
    }
    if (parsed.event.has_value() && !instant.has_value()) {
        json["time"] = nullptr;
        parsed.event->json = text_of(json);
        parsed.event->time.clear();
    }
    return std::move(parsed.event);
}

} // namespace portguard::tools
