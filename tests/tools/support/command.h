// The command under test, and how its answers are read.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/process.h"
#include "support/temporary_folder.h"

namespace portguard::test {

using Words = std::vector<std::string>;

/// "portguard" and `words`. Its configuration file is empty unless `spec` says otherwise, since the host may
/// have one.
ProcessSpec command_spec(const Words& words, ProcessSpec spec = {});
Finished portguard(const Words& words, const ProcessSpec& spec = {});

/// `name` in the output of env(1); "(unset)" where it is not there.
std::string variable_in(std::string_view env_output, std::string_view name);

/// The entries of an LD_PRELOAD value, without the run-time that a sanitizer preset puts first.
Words preload_entries(std::string_view value);

struct Setting {
    std::string value;
    std::string place;
    friend bool operator==(const Setting&, const Setting&) = default;
};
std::ostream& operator<<(std::ostream& stream, const Setting& setting);

/// The output of `portguard config`, text or JSON, by option.
std::map<std::string, Setting> settings_in(std::string_view config_output);

/// The command and the shim in one folder of the test's, as an installation has them: bin/ and lib/.
class InstalledCopy {
public:
    explicit InstalledCopy(const std::string& below = "");

    [[nodiscard]] std::string command() const { return prefix_ + "/bin/portguard"; }
    [[nodiscard]] std::string shim() const { return prefix_ + "/lib/libportguard.so"; }
    [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }

private:
    TemporaryFolder folder_;
    std::string prefix_;
};

/// What a run puts into LD_PRELOAD where the command is that of the build.
std::string own_preload_entry();

/// Paths below `folder` that the guard would not write a log to, made for it, each with what is said of it.
std::vector<std::pair<std::string, std::string>> make_forbidden_logs(const TemporaryFolder& folder);

/// Claims that `finished` said one sentence of ours and nothing else, with every one of `parts` in it.
testing::AssertionResult refused_with(const Finished& finished, int exit_status, const Words& parts);

} // namespace portguard::test
