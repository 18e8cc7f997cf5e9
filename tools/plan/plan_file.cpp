#include "tools/plan/plan_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <sys/types.h>
#include <unistd.h>

#include "core/text.h"
#include "tools/common/output.h"
#include "tools/common/refusal.h"
#include "tools/common/replaced_file.h"

namespace portguard::tools {
namespace {

constexpr std::string_view marker = "# made by `portguard plan --apply`; `portguard plan --revert` undoes it";
constexpr std::string_view before_word = "# before: ";

[[noreturn]] void refuse(const std::string& path, int error, const std::string& way_out) {
    throw Refusal(ExitCode::usage, "file=" + shown(path) + ": " + std::strerror(error) + "; " + way_out);
}

/// A line "NAME = VALUE", after `start`.
bool read_assignment(std::string_view line, std::string_view start, PlanSetting& setting,
                     std::string PlanSetting::*value) {
    if (!line.starts_with(start)) {
        return false;
    }
    line.remove_prefix(start.size());
    const std::string_view name = trimmed(next_field(line, '='));
    if (name != range_setting && name != reserved_setting) {
        return false;
    }
    setting.name = name;
    setting.*value = trimmed(line);
    return true;
}

/// Without empty assignments: at boot they would drop the reservations that other files make.
std::string text_of(const std::vector<PlanSetting>& settings) {
    std::string text = std::string(marker) + "\n";
    for (const PlanSetting& setting : settings) {
        text += std::string(before_word) + setting.name + " = " + setting.before + "\n";
    }
    for (const PlanSetting& setting : settings) {
        text += setting.now.empty() ? "" : setting.name + " = " + setting.now + "\n";
    }
    return text;
}

} // namespace

std::optional<std::vector<PlanSetting>> read_plan_file(const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        if (errno == ENOENT) {
            return std::nullopt;
        }
        refuse(path, errno, "name a file that can be read");
    }
    std::vector<PlanSetting> settings;
    std::string line;
    if (!std::getline(file, line) || line != marker) {
        throw Refusal(ExitCode::usage,
                      "file=" + shown(path) +
                          ": --apply has not made it, and it would be lost; --file=FILE names another");
    }
    while (std::getline(file, line)) {
        PlanSetting setting;
        if (read_assignment(line, before_word, setting, &PlanSetting::before)) {
            settings.push_back(setting);
            continue;
        }
        for (PlanSetting& known : settings) {
            if (read_assignment(line, "", setting, &PlanSetting::now) && setting.name == known.name) {
                known.now = setting.now;
            }
        }
    }
    return settings;
}

void write_plan_file(const std::string& path, const std::vector<PlanSetting>& settings) {
    constexpr mode_t for_all_to_read = 0644;
    const int error = write_replacing(path, text_of(settings), for_all_to_read);
    if (error != 0) {
        refuse(path, error,
               error == ENOENT ? "its folder is missing, and --file=FILE names another"
                               : "it works as root, and --file=FILE names another");
    }
}

void remove_plan_file(const std::string& path) {
    if (::unlink(path.c_str()) != 0) {
        refuse(path, errno, "the settings are back; remove the file by hand");
    }
}

} // namespace portguard::tools
