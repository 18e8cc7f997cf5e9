#include "tools/metrics/metrics_state.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <nlohmann/json.hpp>

#include <unistd.h>

#include "kernel/proc.h"
#include "tools/common/output.h"
#include "tools/common/replaced_file.h"
#include "tools/events/json_fields.h"

namespace portguard::tools {
namespace {

using nlohmann::json;

constexpr int state_version = 1;
constexpr std::size_t largest_state = std::size_t{1} << 22;
/// The library copies what it has parsed by recursion; a state needs four.
constexpr int deepest = 16;

json json_of(const std::map<std::string, std::uint64_t>& counts) {
    json list = json::array();
    for (const auto& [name, count] : counts) {
        list.push_back({{"name", name}, {"count", count}});
    }
    return list;
}

void read_counts(const std::vector<JsonFields>& entries, std::map<std::string, std::uint64_t>& counts) {
    for (const JsonFields& entry : entries) {
        // A cause that another version knew is not lost.
        const auto known = counts.find(entry.text("name"));
        (known == counts.end() ? counts[std::string(other_word)] : known->second) +=
            entry.integer<std::uint64_t>("count");
    }
}

json json_of(const RecordPosition& record) {
    return {{"file", record.file},
            {"device", record.device},
            {"inode", record.inode},
            {"offset", record.offset},
            {"fingerprint", record.fingerprint},
            {"in_long_line", record.is_in_long_line}};
}

RecordPosition read_position(const JsonFields& fields) {
    constexpr std::uint64_t largest_file = std::uint64_t{1} << 62U;
    RecordPosition record;
    record.file = fields.text("file");
    record.device = fields.integer<std::uint64_t>("device");
    record.inode = fields.integer<std::uint64_t>("inode");
    record.offset = fields.integer<std::uint64_t>("offset");
    record.fingerprint = fields.integer<std::uint64_t>("fingerprint");
    record.is_in_long_line = fields.switch_or_null("in_long_line").value_or(false);
    if (record.offset > largest_file) {
        throw BadField("`records.offset` is " + std::to_string(record.offset) + ", beyond any file");
    }
    return record;
}

json json_of(const std::optional<UseSample>& use) {
    if (!use.has_value()) {
        return nullptr;
    }
    json list = json::array();
    for (const DestinationUse& entry : use->destinations) {
        list.push_back({{"protocol", protocol_name(entry.protocol)},
                        {"address", entry.address},
                        {"port", entry.port},
                        {"ports", entry.ports}});
    }
    return {{"time_ms", use->instant.count()}, {"whole", use->has_every_destination}, {"destinations", list}};
}

Instant instant_of(const JsonFields& fields, const char* name) {
    // Beyond it, arithmetic with instants overflows; the year 5138.
    constexpr std::uint64_t last = 100'000'000'000'000;
    const auto count = fields.integer<std::uint64_t>(name);
    if (count > last) {
        throw BadField(std::string("`") + name + "` is " + std::to_string(count) + ", beyond any time");
    }
    return Instant(count);
}

std::optional<UseSample> read_use(const std::optional<JsonFields>& fields) {
    if (!fields.has_value()) {
        return std::nullopt;
    }
    UseSample use;
    use.instant = instant_of(*fields, "time_ms");
    use.has_every_destination = fields->switch_or_null("whole").value_or(false);
    for (const JsonFields& entry : fields->objects("destinations")) {
        const std::string word = entry.text("protocol");
        const auto protocol = protocol_named(word);
        if (!protocol.has_value()) {
            entry.refuse_word("protocol", word);
        }
        use.destinations.push_back({*protocol, entry.text("address"), entry.integer<std::uint16_t>("port"),
                                    entry.integer<std::uint32_t>("ports")});
    }
    return use;
}

MetricsState read_fields(const JsonFields& fields) {
    MetricsState state;
    if (fields.integer<std::uint32_t>("version") != state_version) {
        throw BadField("it is of another version");
    }
    read_counts(fields.objects("causes"), state.counts.by_cause);
    read_counts(fields.objects("errors"), state.counts.by_errno);
    state.counts.unreadable_lines = fields.integer<std::uint64_t>("unreadable_lines");
    state.counts.lost = fields.integer<std::uint64_t>("lost");
    for (const JsonFields& record : fields.objects("records")) {
        state.records.push_back(read_position(record));
    }
    const JsonFields journal = fields.object("journal");
    state.journal.cursor = journal.text("cursor");
    state.journal.since = instant_of(journal, "since_ms");
    state.use = read_use(fields.object_or_null("use"));
    return state;
}

} // namespace

RecordPosition& MetricsState::record(const std::string& file) {
    const auto found = std::find_if(records.begin(), records.end(),
                                    [&](const RecordPosition& known) { return known.file == file; });
    if (found != records.end()) {
        return *found;
    }
    records.emplace_back().file = file;
    return records.back();
}

std::string state_text(const MetricsState& state) {
    json records = json::array();
    for (const RecordPosition& record : state.records) {
        records.push_back(json_of(record));
    }
    const json document{
        {"version", state_version},
        {"causes", json_of(state.counts.by_cause)},
        {"errors", json_of(state.counts.by_errno)},
        {"unreadable_lines", state.counts.unreadable_lines},
        {"lost", state.counts.lost},
        {"records", std::move(records)},
        {"journal", {{"cursor", state.journal.cursor}, {"since_ms", state.journal.since.count()}}},
        {"use", json_of(state.use)}};
    return document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

ParsedState parse_state(std::string_view text) {
    int depth = 0;
    const auto is_shallow = [&depth](int level, json::parse_event_t, json&) {
        depth = std::max(depth, level);
        return level < deepest;
    };
    const json document = json::parse(text, is_shallow, false);
    if (document.is_discarded() || depth >= deepest) {
        return {.problem = "it is not JSON"};
    }
    try {
        return {.state = read_fields(JsonFields(document, ""))};
    } catch (const BadField& error) {
        return {.problem = error.what()};
    }
}

MetricsState read_state(const std::string& path, std::vector<std::string>& complaints) {
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) {
        return {};
    }
    const auto text = read_text_file(path.c_str(), largest_state, Syscalls{});
    const std::string named = "--state=" + shown(path) + ": ";
    if (!text.has_value()) {
        complaints.push_back(named + "the state cannot be read (" + std::strerror(errno) +
                             "); all counts start anew, and a file of this user's keeps them");
        return {};
    }
    ParsedState parsed = parse_state(*text);
    if (!parsed.state.has_value()) {
        complaints.push_back(named + "the state is damaged (" + parsed.problem +
                             "); each record is counted from its start, and a whole state is written now");
        return {};
    }
    return std::move(*parsed.state);
}

void write_state(const std::string& path, const MetricsState& state, std::vector<std::string>& complaints) {
    constexpr mode_t owner_only = 0600;
    if (const int error = write_replacing(path, state_text(state), owner_only); error != 0) {
        complaints.push_back("--state=" + shown(path) + ": the state cannot be written (" +
                             std::strerror(error) + "); use a file in a folder that this user may write to");
    }
}

} // namespace portguard::tools
