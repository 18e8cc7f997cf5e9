#include "tools/plan/port_list.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/common/refusal.h"
#include "tools/plan/port_line.h"

namespace portguard::tools {
namespace {

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

PortList parse_port_list(std::string_view text, const std::string& file_name) {
    PortLineReader reader(text, file_name);
    for (std::size_t number = 1; !text.empty(); ++number) {
        reader.take(next_field(text, '\n'), number);
    }
    return reader.finish();
}

PortList read_port_list(const std::string& path) {
    PortList list = parse_port_list(read_all(path), path == "-" ? "standard input" : shown(path));
    if (list.ports.empty() && !list.unread.empty()) {
        throw Refusal(ExitCode::usage, list.unread.front() +
                                           "; a line is NAME PORT [tcp|udp], and no line of " + shown(path) +
                                           " is");
    }
    return list;
}

PortList port_list_of(const Arguments& arguments) {
    constexpr std::size_t most = 10;
    const std::string* const file = arguments.value(list_parameter.name);
    PortList list = file == nullptr ? PortList{} : read_port_list(*file);
    for (std::size_t index = 0; index < std::min(most, list.unread.size()); ++index) {
        std::fprintf(stderr, "portguard: %s\n", list.unread[index].c_str());
    }
    if (list.unread.size() > most) {
        std::fprintf(stderr, "portguard: and %zu more lines name no port\n", list.unread.size() - most);
    }
    return list;
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
