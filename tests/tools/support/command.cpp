#include "tools/support/command.h"

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <sstream>

#include <nlohmann/json.hpp>

namespace portguard::test {

ProcessSpec command_spec(const Words& words, ProcessSpec spec) {
    spec.argv = {PORTGUARD_COMMAND};
    spec.argv.insert(spec.argv.end(), words.begin(), words.end());
    const bool has_file =
        std::any_of(spec.environment.begin(), spec.environment.end(),
                    [](const std::string& entry) { return entry.starts_with("PORTGUARD_CONFIG"); });
    if (!has_file) {
        spec.environment.insert(spec.environment.begin(), "PORTGUARD_CONFIG=/dev/null");
    }
    return spec;
}

Finished portguard(const Words& words, const ProcessSpec& spec) {
    return run_process(command_spec(words, spec));
}

std::string variable_in(std::string_view env_output, std::string_view name) {
    std::istringstream lines{std::string(env_output)};
    const std::string start = std::string(name) + "=";
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(start)) {
            return line.substr(start.size());
        }
    }
    return "(unset)";
}

Words preload_entries(std::string_view value) {
    std::istringstream list{std::string(value)};
    Words entries;
    for (std::string entry; std::getline(list, entry, ':');) {
        if (!entry.starts_with("libasan.so") && !entry.starts_with("libtsan.so")) {
            entries.push_back(entry);
        }
    }
    return entries;
}

std::ostream& operator<<(std::ostream& stream, const Setting& setting) {
    return stream << "'" << setting.value << "' from '" << setting.place << "'";
}

std::map<std::string, Setting> settings_in(std::string_view config_output) {
    std::map<std::string, Setting> settings;
    if (config_output.starts_with('{')) {
        const auto answer = nlohmann::json::parse(config_output);
        for (const auto& [name, option] : answer["options"].items()) {
            settings[name] = {option["value"].is_null() ? "" : option["value"].get<std::string>(),
                              option["from"].get<std::string>()};
        }
        return settings;
    }
    std::istringstream lines{std::string(config_output)};
    for (std::string line; std::getline(lines, line);) {
        // Columns are two blanks or more apart; values may hold one.
        const std::size_t name_end = line.find(' ');
        const std::size_t place_start = line.rfind("  ");
        if (name_end == std::string::npos || place_start == std::string::npos) {
            continue;
        }
        const std::size_t value_start = line.find_first_not_of(' ', name_end);
        const std::size_t value_end = line.find_last_not_of(' ', place_start);
        settings[line.substr(0, name_end)] = {line.substr(value_start, value_end + 1 - value_start),
                                              line.substr(place_start + 2)};
    }
    return settings;
}

std::string own_preload_entry() {
    return (std::filesystem::path(PORTGUARD_SHIM).parent_path() / "portguard/$LIB/libportguard.so").string();
}

InstalledCopy::InstalledCopy(const std::string& below)
    : prefix_(below.empty() ? folder_.path().string() : folder_.file(below)) {
    std::filesystem::create_directories(prefix_ + "/bin");
    std::filesystem::create_directories(prefix_ + "/lib");
    std::filesystem::copy_file(PORTGUARD_COMMAND, command());
    std::filesystem::copy_file(PORTGUARD_SHIM, shim());
}

std::vector<std::pair<std::string, std::string>> make_forbidden_logs(const TemporaryFolder& folder) {
    std::filesystem::create_symlink("/tmp/x", folder.file("link"));
    const std::filesystem::path everybodys = folder.file("all");
    std::filesystem::create_directory(everybodys);
    std::filesystem::permissions(everybodys, std::filesystem::perms::all);
    std::filesystem::create_directory_symlink(folder.path(), everybodys / "link");
    const std::string open_to_all = folder.write("open", "", 0666);
    std::filesystem::create_hard_link(folder.write("file", ""), folder.file("second-name"));
    return {
        {folder.file("no/folder"), "cannot be made: No such file or directory"},
        {folder.file("file/log"), "cannot be written: Not a directory"},
        {folder.file("link"), "is a link"},
        {(everybodys / "link/new.log").string(), "goes through the link '"},
        {open_to_all, "everybody may write to it"},
        {folder.file("second-name"), "is a second name"},
        {folder.path().string(), "is neither a plain file nor a FIFO"},
    };
}

testing::AssertionResult refused_with(const Finished& finished, int exit_status, const Words& parts) {
    const bool is_one_line =
        finished.err.starts_with("portguard: ") && finished.err.find('\n') == finished.err.size() - 1;
    if (!finished.exited_with(exit_status) || !is_one_line || !finished.out.empty()) {
        return testing::AssertionFailure()
               << "wanted one sentence and exit status " << exit_status << ", got " << finished;
    }
    for (const std::string& part : parts) {
        if (finished.err.find(part) == std::string::npos) {
            return testing::AssertionFailure() << "'" << part << "' is not in: " << finished.err;
        }
    }
    return testing::AssertionSuccess();
}

} // namespace portguard::test
