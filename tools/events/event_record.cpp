#include "tools/events/event_record.h"

#include <arpa/inet.h>

#include "core/civil_date.h"
#include "core/errno_name.h"
#include "core/event_json.h"
#include "core/number.h"
#include "tools/events/json_fields.h"

namespace portguard::tools {
namespace {

using nlohmann::json;

/// An event of schema 1 needs six. The library copies and prints what it has parsed by recursion.
constexpr int deepest = 64;

/// "2026-11-22T18:01:24.960Z" and nothing else.
std::optional<std::chrono::milliseconds> parse_time(std::string_view text) {
    using namespace std::chrono;
    constexpr std::string_view form = "dddd-dd-ddTdd:dd:dd.dddZ";
    if (text.size() != form.size()) {
        return std::nullopt;
    }
    for (std::size_t index = 0; index < form.size(); ++index) {
        const bool is_digit = text[index] >= '0' && text[index] <= '9';
        if (form[index] == 'd' ? !is_digit : text[index] != form[index]) {
            return std::nullopt;
        }
    }
    const auto number = [text](std::size_t first, std::size_t count) {
        return *parse_number<unsigned>(text.substr(first, count));
    };
    const CivilDate date{static_cast<int>(number(0, 4)), number(5, 2), number(8, 2)};
    // 60 is a leap second.
    if (!date.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 60) {
        return std::nullopt;
    }
    return days(days_since_epoch(date)) + hours(number(11, 2)) + minutes(number(14, 2)) +
           seconds(number(17, 2)) + milliseconds(number(20, 3));
}

/// "EADDRINUSE", "errno 71".
std::optional<int> parse_errno(std::string_view text) {
    constexpr std::string_view numbered = "errno ";
    if (!text.starts_with(numbered)) {
        return errno_named(text);
    }
    const std::optional<int> number = parse_number<int>(text.substr(numbered.size()));
    return number.has_value() && *number < 4096 ? number : std::nullopt;
}

template <typename Value>
Value word_of(const JsonFields& fields, const char* name, std::optional<Value> (*meaning)(std::string_view)) {
    const std::string word = fields.text(name);
    const std::optional<Value> value = meaning(word);
    if (!value.has_value()) {
        fields.refuse_word(name, word);
    }
    return *value;
}

Endpoint endpoint_of(const JsonFields& fields) {
    Endpoint endpoint;
    endpoint.port = fields.integer<std::uint16_t>("port");
    const std::optional<std::string> address = fields.text_or_null("address");
    if (!address.has_value()) {
        return endpoint;
    }
    const bool ipv6 = address->find(':') != std::string::npos;
    // inet_pton stops at a NUL, which JSON may hold.
    if (address->find('\0') != std::string::npos ||
        ::inet_pton(ipv6 ? AF_INET6 : AF_INET, address->c_str(), endpoint.address.data()) != 1) {
        fields.refuse_word("address", *address);
    }
    endpoint.family = ipv6 ? Family::ipv6 : Family::ipv4;
    return endpoint;
}

SocketOptions options_of(const JsonFields& fields) {
    return {fields.switch_or_null("reuseaddr"), fields.switch_or_null("reuseport"),
            fields.switch_or_null("v6only")};
}

std::vector<Ancestor> ancestors_of(const JsonFields& fields) {
    std::vector<Ancestor> ancestors;
    for (const JsonFields& ancestor : fields.objects("ancestors")) {
        ancestors.push_back({ancestor.integer<pid_t>("pid"), ancestor.text("comm")});
    }
    return ancestors;
}

RecordedProcess process_of(const JsonFields& fields) {
    return {fields.integer<pid_t>("pid"),
            fields.integer_or_null<pid_t>("tid"),
            fields.integer_or_null<uid_t>("uid"),
            fields.text_or_null("exe"),
            fields.texts_or_null("argv"),
            fields.text_or_null("cwd"),
            fields.integer_or_null<std::uint64_t>("netns"),
            ancestors_of(fields)};
}

RecordedFrame frame_of(const JsonFields& fields) {
    return {fields.text_or_null("module"),
            fields.integer<std::uint64_t>("offset"),
            fields.text_or_null("build_id"),
            fields.text_or_null("symbol"),
            fields.text_or_null("file"),
            fields.integer_or_null<int>("line"),
            fields.has("interpreter") && fields.switch_or_null("interpreter").value_or(false)};
}

RecordedScriptFrame script_frame_of(const JsonFields& fields) {
    return {fields.text_or_null("function"), fields.text_or_null("file"),
            fields.integer_or_null<int>("line")};
}

std::vector<RecordedFrame> stack_of(const JsonFields& fields) {
    std::vector<RecordedFrame> stack;
    for (const JsonFields& frame : fields.objects("stack")) {
        stack.push_back(frame_of(frame));
    }
    return stack;
}

std::optional<RecordedCall> call_of(const std::optional<JsonFields>& fields) {
    if (!fields.has_value()) {
        return std::nullopt;
    }
    return RecordedCall{word_of(*fields, "call", call_named),
                        fields->switch_or_null("of_listener").value_or(false),
                        fields->integer<pid_t>("pid"),
                        fields->text("program"),
                        fields->number_or_null("age_s").value_or(0),
                        fields->switch_or_null("ended"),
                        stack_of(*fields)};
}

/// Where it cannot be told, something stands there all the same: it makes a unix socket of it.
std::string unix_name_of(const JsonFields& fields) {
    return fields.text_or_null("address").value_or("?");
}

RecordedHolder holder_of(const JsonFields& fields, bool is_unix) {
    RecordedHolder holder;
    if (is_unix) {
        holder.unix_name = unix_name_of(fields.object("local"));
    } else {
        holder.local = endpoint_of(fields.object("local"));
    }
    if (const auto remote = fields.object_or_null("remote")) {
        holder.remote = endpoint_of(*remote);
    }
    holder.state = word_of(fields, "state", state_named);
    holder.options = options_of(fields);
    holder.timer_s = fields.number_or_null("timer_s");
    for (const JsonFields& owner : fields.objects("owners")) {
        holder.owners.push_back({owner.integer<pid_t>("pid"), owner.descriptor("fd"),
                                 owner.integer_or_null<uid_t>("uid"), owner.texts_or_null("argv"),
                                 owner.integer_or_null<std::uint64_t>("netns"), ancestors_of(owner)});
    }
    holder.taken = call_of(fields.object_if_any("taken"));
    return holder;
}

RecordedCure cure_of(const JsonFields& fields) {
    const std::string when = fields.text("when");
    if (when != "now" && when != "lasting") {
        fields.refuse_word("when", when);
    }
    return {when == "lasting", fields.text("command")};
}

/// The family is told by the address, where there is one; the two may not differ.
void check_family(const JsonFields& fields, const Endpoint& asked) {
    const std::string word = fields.text_or_null("family").value_or("");
    const bool ok = asked.family == Family::ipv4   ? word == "ipv4"
                    : asked.family == Family::ipv6 ? word == "ipv6"
                                                   : word.empty();
    if (!ok) {
        throw BadField("`family` and `address` do not agree");
    }
}

EventRecord event_of(const JsonFields& fields) {
    EventRecord event;
    event.time = fields.text("time");
    const auto instant = parse_time(event.time);
    if (!instant.has_value()) {
        fields.refuse_word("time", event.time);
    }
    event.instant = *instant;
    event.kind = word_of(fields, "event", event_named);
    event.call = word_of(fields, "call", call_named);
    if (fields.text_or_null("errno").has_value()) {
        event.error = word_of(fields, "errno", parse_errno);
    }
    event.protocol = word_of(fields, "protocol", protocol_named);
    const bool is_unix = event.protocol == Protocol::unix_domain;
    if (is_unix) {
        event.unix_name = unix_name_of(fields);
    } else {
        event.asked = endpoint_of(fields);
        check_family(fields, event.asked);
    }
    const JsonFields socket = fields.object("socket");
    event.fd = socket.descriptor("fd");
    event.options = options_of(socket);
    event.device = socket.integer_or_null<std::uint32_t>("device");
    event.process = process_of(fields.object("process"));
    event.stack = stack_of(fields);
    if (fields.has("script")) {
        for (const JsonFields& frame : fields.objects("script")) {
            event.script.push_back(script_frame_of(frame));
        }
    }
    event.picked = call_of(fields.object_if_any("picked"));
    for (const JsonFields& holder : fields.objects("holders")) {
        event.holders.push_back(holder_of(holder, is_unix));
    }
    event.cause = fields.text("cause");
    event.sentence = fields.text("sentence");
    for (const JsonFields& cure : fields.objects("cures")) {
        event.cures.push_back(cure_of(cure));
    }
    event.count = fields.integer<std::uint64_t>("count");
    event.missing = fields.texts("missing");
    return event;
}

void check_schema(const JsonFields& fields) {
    const auto schema = fields.integer<std::uint64_t>("schema");
    if (schema != event_schema_version) {
        throw BadField("it is of schema " + std::to_string(schema) + " and this portguard reads schema " +
                       std::to_string(event_schema_version) + "; the portguard that wrote it reads it");
    }
}

} // namespace

ParsedEvent parse_event(std::string_view line) {
    bool is_too_deep = false;
    const json::parser_callback_t look = [&is_too_deep](int depth, json::parse_event_t event, const json&) {
        const bool begins =
            event == json::parse_event_t::array_start || event == json::parse_event_t::object_start;
        is_too_deep = is_too_deep || (begins && depth >= deepest);
        return !is_too_deep;
    };
    const json document = json::parse(line, look, false);
    if (is_too_deep) {
        return {std::nullopt,
                "it is nested more than " + std::to_string(deepest) + " deep, which no event is"};
    }
    if (document.is_discarded()) {
        return {std::nullopt, "it is not JSON"};
    }
    try {
        const JsonFields fields(document, "");
        check_schema(fields);
        ParsedEvent parsed{event_of(fields), {}};
        parsed.event->json = line;
        return parsed;
    } catch (const BadField& bad) {
        return {std::nullopt, bad.what()};
    }
}

} // namespace portguard::tools
