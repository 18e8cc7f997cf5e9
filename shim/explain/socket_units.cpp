#include "explain/socket_units.h"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

#include "core/text.h"
#include "kernel/folder.h"
#include "kernel/proc.h"

namespace portguard {
namespace {

constexpr const char* folders[] = {"/etc/systemd/system", "/run/systemd/system", "/run/systemd/generator",
                                   "/usr/lib/systemd/system"};

/// "ListenStream=127.0.0.1:6720", "ListenDatagram = 53".
bool names_port(std::string_view line, const std::string& port) {
    const std::string_view key = trimmed(next_field(line, '='));
    if (key != "ListenStream" && key != "ListenDatagram") {
        return false;
    }
    const std::string_view value = trimmed(line);
    return value == port || value.ends_with(":" + port);
}

bool is_unit_of(const std::string& path, const std::string& port) {
    constexpr std::size_t longest = 65536;
    const auto text = read_text_file(path.c_str(), longest, Syscalls{});
    std::string_view rest = text.has_value() ? std::string_view(*text) : std::string_view();
    while (!rest.empty()) {
        if (names_port(next_field(rest, '\n'), port)) {
            return true;
        }
    }
    return false;
}

} // namespace

std::vector<std::string> find_socket_units(std::uint16_t port) {
    std::vector<std::string> units;
    if (access("/run/systemd/system", F_OK) != 0) {
        return units;
    }
    const Syscalls syscalls;
    for (const std::string path : folders) {
        const ScopedFd folder(direct::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), syscalls);
        for_each_entry(folder.get(), [&](const dirent64& entry) {
            const std::string name = entry.d_name;
            if (name.ends_with(".socket") && std::find(units.begin(), units.end(), name) == units.end() &&
                is_unit_of(std::string(path).append("/").append(name), std::to_string(port))) {
                units.push_back(name);
            }
            return true;
        });
    }
    return units;
}

} // namespace portguard
