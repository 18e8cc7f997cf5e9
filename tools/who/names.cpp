#include "tools/who/names.h"

#include <algorithm>
#include <cstddef>

#include "core/number.h"
#include "core/text.h"
#include "kernel/proc.h"

namespace portguard::tools {
namespace {

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    line = line.substr(0, line.find('#'));
    while (!line.empty()) {
        const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
        if (end != 0) {
            words.push_back(line.substr(0, end));
        }
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    return words;
}

/// Among those from `first` on.
bool names_it(const std::vector<std::string_view>& words, std::ptrdiff_t first, std::string_view name) {
    return std::find(words.begin() + first, words.end(), name) != words.end();
}

} // namespace

std::uint16_t port_of_service(std::string_view services, std::string_view name) {
    while (!services.empty()) {
        // "http 80/tcp www"
        const std::vector<std::string_view> words = words_of(next_field(services, '\n'));
        if (words.size() >= 2 && (words.front() == name || names_it(words, 2, name))) {
            const std::string_view number = words[1].substr(0, words[1].find('/'));
            if (const auto port = parse_number<std::uint16_t>(number)) {
                return *port;
            }
        }
    }
    return 0;
}

std::vector<std::string> addresses_of_host(std::string_view hosts, std::string_view name) {
    std::vector<std::string> addresses;
    while (!hosts.empty()) {
        const std::vector<std::string_view> words = words_of(next_field(hosts, '\n'));
        if (words.size() >= 2 && names_it(words, 1, name)) {
            addresses.emplace_back(words.front());
        }
    }
    return addresses;
}

std::string name_of_user(std::string_view users, uid_t uid) {
    while (!users.empty()) {
        std::string_view line = next_field(users, '\n');
        const std::string_view name = next_field(line, ':');
        next_field(line, ':');
        if (parse_number<uid_t>(next_field(line, ':')) == uid) {
            return std::string(name);
        }
    }
    return {};
}

std::string text_of_names(const char* path) {
    constexpr std::size_t most = std::size_t{1} << 20U;
    return read_text_file(path, most, Syscalls{}).value_or("");
}

} // namespace portguard::tools
