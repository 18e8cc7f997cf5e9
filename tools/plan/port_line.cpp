#include "tools/plan/port_line.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "core/text.h"
#include "tools/common/output.h"

namespace portguard::tools {
namespace {

constexpr std::string_view blanks = " \t\r";

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char character) { return static_cast<char>(std::tolower(character)); });
    return result;
}

/// Without blanks and quotes around it.
std::string_view bare(std::string_view text) {
    constexpr std::string_view around = " \t\r\"'";
    const std::size_t first = text.find_first_not_of(around);
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(around) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
    std::vector<std::string_view> words;
    while (!text.empty()) {
        const std::size_t length = std::min(text.find_first_of(separators), text.size());
        if (const std::string_view word = bare(text.substr(0, length)); !word.empty()) {
            words.push_back(word);
        }
        text.remove_prefix(std::min(length + 1, text.size()));
    }
    return words;
}

bool is_port(std::string_view word) {
    PortRange ignored;
    Sentence why;
    return parse_port_range(word, ignored, why);
}

bool starts_with_digit(std::string_view word) {
    return !word.empty() && word.front() >= '0' && word.front() <= '9';
}

std::optional<Protocol> protocol_of(std::string_view word) {
    const std::string name = lower(word);
    return name.empty() || name == "tcp" || name == "tcp6" ? std::optional(Protocol::tcp)
           : name == "udp" || name == "udp6"               ? std::optional(Protocol::udp)
                                                           : std::nullopt;
}

/// A key with nothing behind it, as every YAML file of services has and no other list.
bool looks_like_yaml(std::string_view text) {
    while (!text.empty()) {
        const std::string_view line = bare(next_field(text, '\n'));
        if (line.size() > 1 && line.ends_with(':') && line.find_first_of(" \t") == std::string_view::npos) {
            return true;
        }
    }
    return false;
}

} // namespace

PortLineReader::PortLineReader(std::string_view text, std::string file_name)
    : form_(looks_like_yaml(text) ? Form::yaml : Form::words), file_name_(std::move(file_name)) {}

void PortLineReader::take(std::string_view line, std::size_t number) {
    place_ = file_name_ + ":" + std::to_string(number);
    line = line.substr(0, line.find('#'));
    if (bare(line).empty() || bare(line) == "---") {
        return;
    }
    const bool is_first = std::exchange(is_first_, false);
    if (is_first && form_ == Form::words && take_header(line)) {
        return;
    }
    switch (form_) {
    case Form::words: take_words(line); break;
    case Form::columns: take_columns(line); break;
    case Form::table: take_table(line); break;
    case Form::yaml: take_yaml(line); break;
    }
}

/// "name,port,protocol" of a CSV file; "NAME TYPE ... PORT(S) AGE" of kubectl, "... PORTS NAMES" of docker.
bool PortLineReader::take_header(std::string_view line) {
    for (const std::string_view title : {"PORT(S)", "PORTS"}) {
        const std::size_t column = line.find(title);
        if (column != std::string_view::npos) {
            form_ = Form::table;
            is_docker_ = title == "PORTS";
            ports_column_ = column;
            return true;
        }
    }
    separator_ = line.find(';') != std::string_view::npos ? ';' : ',';
    for (const std::string_view title : split(line, {&separator_, 1})) {
        columns_.push_back(lower(title));
    }
    const bool names_port = std::find(columns_.begin(), columns_.end(), "port") != columns_.end();
    form_ = columns_.size() > 1 && names_port ? Form::columns : Form::words;
    return form_ == Form::columns;
}

void PortLineReader::take_columns(std::string_view line) {
    Fields fields;
    for (const std::string& title : columns_) {
        const std::string_view value = bare(next_field(line, separator_));
        if (title == "port") {
            fields.port = value;
        } else if (title == "protocol" || title == "proto") {
            fields.protocol = value;
        } else if (title == "name" || title == "service" || fields.name.empty()) {
            fields.name = value;
        }
    }
    add(fields);
}

/// In fixed columns; of docker's the name is the last word, of kubectl's the first, or the second where
/// namespaces are shown.
void PortLineReader::take_table(std::string_view line) {
    const std::vector<std::string_view> words = split(line, blanks);
    service_ = is_docker_ ? words.back() : words.front();
    std::string_view ports = line.substr(std::min(ports_column_, line.size()));
    if (is_docker_) {
        ports = ports.substr(0, ports.rfind(words.back()));
    } else {
        ports = ports.substr(0, ports.find_first_of(blanks));
    }
    for (const std::string_view item : split(ports, ", ")) {
        const bool is_published = !is_docker_ || item.find("->") != std::string_view::npos;
        if (is_published && item != "<none>") {
            take_published(item, !is_docker_);
        }
    }
}

void PortLineReader::take_published(std::string_view item, bool host_is_last) {
    const std::size_t slash = item.rfind('/');
    const std::string_view protocol =
        slash == std::string_view::npos ? std::string_view() : item.substr(slash + 1);
    std::string_view ports = item.substr(0, slash);
    const std::size_t arrow = ports.find("->");
    const bool has_arrow = arrow != std::string_view::npos;
    ports = ports.substr(0, arrow);
    const std::size_t colon = ports.rfind(':');
    if (colon != std::string_view::npos) {
        // "127.0.0.1:8080:80", "[::1]:8080:80": what stands before the last colon, and behind any address.
        const std::string_view before = ports.substr(0, colon);
        ports = host_is_last || has_arrow ? ports.substr(colon + 1) : before.substr(before.rfind(':') + 1);
    }
    add({service_, bare(ports), protocol});
}

/// Keys without a port, such as image, are skipped.
void PortLineReader::take_yaml(std::string_view line) {
    const std::size_t indent = line.find_first_not_of(blanks);
    std::string_view text = bare(line);
    const bool is_item = text.starts_with("- ");
    text = bare(is_item ? text.substr(2) : text);
    const std::size_t colon = text.find(": ");
    if (colon != std::string_view::npos) {
        take_yaml_port(bare(text.substr(0, colon)), bare(text.substr(colon + 2)));
    } else if (text.ends_with(':')) {
        constexpr std::array<std::string_view, 6> sections{"services", "ports",       "spec",
                                                           "metadata", "environment", "volumes"};
        const std::string_view key = text.substr(0, text.size() - 1);
        // docker-compose: the keys below "services:" are its services.
        if (indent <= 4 && std::find(sections.begin(), sections.end(), key) == sections.end()) {
            service_ = key;
        }
    } else if (is_item && (starts_with_digit(text) || text.starts_with('[')) &&
               text.find(':') != std::string_view::npos &&
               text.find_first_of(" =") == std::string_view::npos) {
        take_published(text, false);
    } else if (indent == 0 && !is_item &&
               std::string_view("{}[]%.").find(text.front()) == std::string_view::npos) {
        // Further in, it may be the rest of a text.
        complain(text, "other lines are YAML, and this one is neither a key nor an item");
    }
}

void PortLineReader::take_yaml_port(std::string_view key, std::string_view value) {
    if (key == "name") {
        service_ = value;
    } else if (key == "protocol" && !list_.ports.empty() && list_.ports.back().name == service_) {
        list_.ports.back().protocol = protocol_of(value).value_or(Protocol::tcp);
    } else if (key == "published" || key == "nodePort" || key == "hostPort" || key == "port") {
        add({service_, value, {}});
    }
}

void PortLineReader::take_words(std::string_view line) {
    const bool has_fields = line.find_first_of(",;") != std::string_view::npos;
    std::vector<std::string_view> words = split(line, has_fields ? ",;/=" : " \t\r/=:");
    if (has_fields && (words.size() < 2 || !(is_port(words[0]) || is_port(words[1])))) {
        words = split(line, " \t\r,;/=:");
    }
    words.resize(std::max<std::size_t>(words.size(), 3));
    if (!starts_with_digit(words[0]) || (!is_port(words[0]) && is_port(words[1]))) {
        add({words[0], words[1], words[2]});
    } else if (lower(words[1]) == "tcp" || lower(words[1]) == "udp") {
        add({words[2].empty() ? words[0] : words[2], words[0], words[1]});
    } else {
        add({words[1].empty() ? words[0] : words[1], words[0], words[2]});
    }
}

void PortLineReader::add(const Fields& fields) {
    NamedPort entry{std::string(fields.name), {}, Protocol::tcp, place_};
    Sentence why;
    const auto protocol = protocol_of(fields.protocol);
    if (!parse_port_range(fields.port, entry.ports, why)) {
        complain(fields.name, why.view());
    } else if (!protocol.has_value()) {
        complain(fields.name, "'" + shown(fields.protocol) + "' is neither tcp nor udp");
    } else {
        entry.protocol = *protocol;
        list_.ports.push_back(std::move(entry));
    }
}

void PortLineReader::complain(std::string_view name, std::string_view what) {
    list_.unread.push_back(place_ + ": '" + shown(name) + "': " + std::string(what));
}

} // namespace portguard::tools
