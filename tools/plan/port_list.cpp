#include "tools/plan/port_list.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

constexpr std::string_view separators = " \t\r,/";

std::string_view next_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(separators), line.size()));
    const std::size_t length = std::min(line.find_first_of(separators), line.size());
    const std::string_view word = line.substr(0, length);
    line.remove_prefix(length);
    return word;
}

NamedPort parse_line(std::string_view line, const std::string& place) {
    NamedPort entry{std::string(next_word(line)), {}, Protocol::tcp, place};
    const std::string_view port = next_word(line);
    const std::string_view protocol = next_word(line);
    Sentence why;
    if (!parse_port_range(port, entry.ports, why)) {
        throw Refusal(ExitCode::usage, "'" + shown(entry.name) + "' (" + place + "): " +
                                           std::string(why.view()) + "; a line is NAME PORT [tcp|udp]");
    }
    if (protocol == "udp") {
        entry.protocol = Protocol::udp;
    } else if (!protocol.empty() && protocol != "tcp") {
        throw Refusal(ExitCode::usage, "'" + shown(protocol) + "' (" + place +
                                           ") is neither tcp nor udp; a line is "
                                           "NAME PORT [tcp|udp]");
    }
    return entry;
}

std::string read_all(const std::string& path) {
    if (path == "-") {
        return {std::istreambuf_iterator<char>(std::cin), {}};
    }
    std::ifstream file(path, std::ios::binary);
    std::error_code ignored;
    // A folder opens, and only then refuses to be read.
    const bool is_folder = std::filesystem::is_directory(path, ignored);
    if (!file || is_folder) {
        throw Refusal(ExitCode::usage, "list=" + shown(path) + ": " +
                                           std::strerror(is_folder ? EISDIR : errno) +
                                           "; name a readable file, or - for standard input");
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

std::vector<NamedPort> parse_port_list(std::string_view text, const std::string& file_name) {
    std::vector<NamedPort> list;
    for (std::size_t number = 1; !text.empty(); ++number) {
        std::string_view line = next_field(text, '\n');
        line = line.substr(0, line.find('#'));
        if (line.find_first_not_of(separators) != std::string_view::npos) {
            list.push_back(parse_line(line, file_name + ":" + std::to_string(number)));
        }
    }
    return list;
}

std::vector<NamedPort> read_port_list(const std::string& path) {
    return parse_port_list(read_all(path), path == "-" ? "standard input" : shown(path));
}

std::vector<Duplicate> find_duplicates(const std::vector<NamedPort>& list) {
    std::vector<Duplicate> duplicates;
    for (auto second = list.begin(); second != list.end(); ++second) {
        for (auto first = list.begin(); first != second; ++first) {
            const PortRange common = intersection(first->ports, second->ports);
            if (!common.empty() && first->protocol == second->protocol && first->name != second->name) {
                duplicates.push_back({&*first, &*second, common});
            }
        }
    }
    return duplicates;
}

std::string describe(const Duplicate& duplicate) {
    return "port " + text_of(duplicate.ports) + "/" + std::string(protocol_name(duplicate.first->protocol)) +
           " is both " + shown(duplicate.first->name) + " (" + duplicate.first->place + ") and " +
           shown(duplicate.second->name) + " (" + duplicate.second->place + ")";
}

} // namespace portguard::tools
