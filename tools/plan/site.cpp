#include "tools/plan/site.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "core/text.h"
#include "tools/common/output.h"
#include "tools/common/port_text.h"
#include "tools/common/refusal.h"

namespace portguard::tools {
namespace {

constexpr std::string_view prefix = "net.ipv4.";
constexpr std::string_view range_name = "net.ipv4.ip_local_port_range";
constexpr std::string_view reserved_name = "net.ipv4.ip_local_reserved_ports";
constexpr std::string_view marker = "# made by `portguard plan --apply`; `portguard plan --revert` undoes it";
constexpr std::string_view before_word = "# before: ";

struct Setting {
    std::string name;
    std::string before;
    std::string now;
};

std::string path_of(const std::string& name) {
    return "/proc/sys/net/ipv4/" + name.substr(prefix.size());
}

[[noreturn]] void refuse(const std::string& what, int error, const std::string& way_out) {
    throw Refusal(ExitCode::usage, what + ": " + std::strerror(error) + "; " + way_out);
}

/// With single blanks, as sysctl(8) shows it.
std::optional<std::string> read_setting(std::string_view name) {
    std::ifstream file(path_of(std::string(name)));
    std::string text;
    for (std::string word; file >> word;) {
        text += (text.empty() ? "" : " ") + word;
    }
    return file.bad() || !file.eof() ? std::nullopt : std::optional(text);
}

/// 0, or an errno. An empty value is a line without one: a write of nothing would change nothing.
int write_setting(const std::string& name, const std::string& value) {
    const int fd = ::open(path_of(name).c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    const std::string line = value + "\n";
    const ssize_t count = ::write(fd, line.data(), line.size());
    const int error = count < 0 ? errno : 0;
    ::close(fd);
    return error;
}

std::string set_command(const Setting& setting, const std::string& value) {
    return "sysctl -w " + setting.name + "=\"" + value + "\"";
}

/// Sets it and reads it back; empty: it holds.
std::string obstacle_to(const Setting& setting, const std::string& value) {
    const int error = write_setting(setting.name, value);
    if (error != 0) {
        return setting.name + " = " + value + ": " + std::strerror(error);
    }
    const auto held = read_setting(setting.name);
    return held == value
               ? std::string()
               : setting.name + " reads \"" + held.value_or("?") + "\" after \"" + value + "\" was written";
}

std::string range_value(const Proposal& proposal) {
    return std::to_string(proposal.split.ephemeral.low) + " " + std::to_string(proposal.split.ephemeral.high);
}

std::string known(std::string_view name) {
    const auto value = read_setting(name);
    if (!value.has_value()) {
        throw Refusal(ExitCode::findings, std::string(name) +
                                              " cannot be read, and what is there would be lost; "
                                              "is /proc mounted?");
    }
    return *value;
}

/// Those that the plan changes, in the order in which they are to be set.
std::vector<Setting> settings_of(const Proposal& proposal) {
    std::vector<Setting> settings;
    if (!has_same_reserved(proposal)) {
        settings.push_back(
            {std::string(reserved_name), known(reserved_name), text_of(proposal.split.reserved)});
    }
    settings.push_back({std::string(range_name), known(range_name), range_value(proposal)});
    return settings;
}

/// A line "NAME = VALUE", after `start`.
bool read_assignment(std::string_view line, std::string_view start, Setting& setting,
                     std::string Setting::*value) {
    if (!line.starts_with(start)) {
        return false;
    }
    line.remove_prefix(start.size());
    const std::string_view name = trimmed(next_field(line, '='));
    if (name != range_name && name != reserved_name) {
        return false;
    }
    setting.name = name;
    setting.*value = trimmed(line);
    return true;
}

/// Null: there is no such file. Throws Refusal for one that --apply has not made.
std::optional<std::vector<Setting>> read_file(const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        if (errno == ENOENT) {
            return std::nullopt;
        }
        refuse("file=" + shown(path), errno, "name a file that can be read");
    }
    std::vector<Setting> settings;
    std::string line;
    if (!std::getline(file, line) || line != marker) {
        throw Refusal(ExitCode::usage,
                      "file=" + shown(path) +
                          ": --apply has not made it, and it would be lost; --file=FILE names "
                          "another");
    }
    while (std::getline(file, line)) {
        Setting setting;
        if (read_assignment(line, before_word, setting, &Setting::before)) {
            settings.push_back(setting);
            continue;
        }
        for (Setting& known_setting : settings) {
            if (read_assignment(line, "", setting, &Setting::now) && setting.name == known_setting.name) {
                known_setting.now = setting.now;
            }
        }
    }
    return settings;
}

std::string file_text(const std::vector<Setting>& settings) {
    std::string text = std::string(marker) + "\n";
    for (const Setting& setting : settings) {
        text += std::string(before_word) + setting.name + " = " + setting.before + "\n";
    }
    for (const Setting& setting : settings) {
        text += setting.name + " = " + setting.now + "\n";
    }
    return text;
}

/// Whole or not at all.
void write_file(const std::string& path, const std::string& text) {
    const std::string draft = path + ".new";
    const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    const bool is_written = fd >= 0 &&
                            ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                            ::fsync(fd) == 0;
    const int error = errno;
    if (fd >= 0) {
        ::close(fd);
    }
    if (!is_written || std::rename(draft.c_str(), path.c_str()) != 0) {
        const int reason = is_written ? errno : error;
        ::unlink(draft.c_str());
        refuse("file=" + shown(path), reason, "it works as root, and --file=FILE names another");
    }
}

/// What an earlier --apply found stays what --revert brings back.
void keep_first(std::vector<Setting>& settings, const std::vector<Setting>& earlier) {
    for (const Setting& old : earlier) {
        bool is_set = false;
        for (Setting& setting : settings) {
            if (setting.name == old.name) {
                setting.before = old.before;
                is_set = true;
            }
        }
        if (!is_set) {
            settings.insert(settings.begin(), old);
        }
    }
}

std::string line_about(const Setting& setting, const std::string& from, const std::string& to) {
    const auto word = [](const std::string& value) { return value.empty() ? std::string("none") : value; };
    return setting.name + ": " + word(from) + (from == to ? ", as it was" : " -> " + word(to)) + "\n";
}

} // namespace

std::string sysctl_lines(const Proposal& proposal) {
    std::string text;
    for (const Setting& setting : settings_of(proposal)) {
        text += setting.name + " = " + setting.now + "\n";
    }
    return text;
}

std::string apply_plan(const Proposal& proposal, const std::string& path) {
    std::vector<Setting> settings = settings_of(proposal);
    const std::vector<Setting> present = settings;
    const auto earlier = read_file(path);
    keep_first(settings, earlier.value_or(std::vector<Setting>{}));
    write_file(path, file_text(settings));
    std::string said;
    for (std::size_t index = 0; index < present.size(); ++index) {
        const Setting& setting = present[index];
        const std::string obstacle = obstacle_to(setting, setting.now);
        if (!obstacle.empty()) {
            for (std::size_t done = index + 1; done-- > 0;) {
                write_setting(present[done].name, present[done].before);
            }
            if (earlier.has_value()) {
                write_file(path, file_text(*earlier));
            } else {
                ::unlink(path.c_str());
            }
            throw Refusal(ExitCode::findings, obstacle + "; nothing was changed, and it works as root");
        }
        said += line_about(setting, setting.before, setting.now);
    }
    return said + "read back: the kernel has these values; " + shown(path) + " sets them at boot\n";
}

std::string revert_plan(const std::string& path) {
    const auto settings = read_file(path);
    if (!settings.has_value()) {
        throw Refusal(ExitCode::usage, "file=" + shown(path) +
                                           ": there is none, and so no plan to take back; --apply makes it");
    }
    for (const Setting& setting : *settings) {
        const std::string present = known(setting.name);
        if (present != setting.now && present != setting.before) {
            throw Refusal(ExitCode::findings,
                          setting.name + " is " + present + " and not what was applied (" + setting.now +
                              "): it was changed since; `" + set_command(setting, setting.now) +
                              "` lets --revert go on");
        }
    }
    std::string said;
    // The range first: ports that were reserved inside it must not be open meanwhile.
    for (auto setting = settings->rbegin(); setting != settings->rend(); ++setting) {
        const std::string obstacle = obstacle_to(*setting, setting->before);
        if (!obstacle.empty()) {
            throw Refusal(ExitCode::findings, obstacle + "; it works as root");
        }
        said += line_about(*setting, setting->now, setting->before);
    }
    if (::unlink(path.c_str()) != 0) {
        refuse("file=" + shown(path), errno, "the settings are back; remove the file by hand");
    }
    return said + "read back: as before --apply; " + shown(path) + " is removed\n";
}

} // namespace portguard::tools
