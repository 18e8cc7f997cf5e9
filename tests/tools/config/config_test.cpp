// Where a value comes from: command line over environment over file.
#include <filesystem>

#include "core/options.h"
#include "tools/cli/resolve_config.h"
#include "tools/support/command.h"

namespace portguard::test {
namespace {

std::string printed(const Option& option, const Config& config) {
    Text<4096> text;
    option.print(config, text);
    return std::string(text.view());
}

/// A value that the option takes by itself and prints back, and if there is one, not its default. Found by
/// trying, so that an option that is new to the table is tested too.
std::string sample_of(const Option& option) {
    Words candidates{"7", "80,443", "20000-30000", "nginx,haproxy", "file:/tmp/x-%p", "bind:80:EACCES:3-5"};
    for (std::string_view words = option.values; !words.empty();) {
        candidates.emplace_back(next_field(words, '|'));
    }
    const std::string fallback = printed(option, {});
    std::string sample;
    for (const std::string& candidate : candidates) {
        Draft draft;
        Sentence why;
        if (apply_option(draft, option.name, candidate, {}, why) && check_whole(draft, why) &&
            printed(option, draft.config) == candidate && (sample.empty() || candidate != fallback)) {
            sample = candidate;
        }
    }
    return sample;
}

class EveryOption : public testing::TestWithParam<std::string> {
protected:
    void SetUp() override { ASSERT_NE(sample(), "") << "no value to try is known for " << name(); }
    [[nodiscard]] const std::string& name() const { return GetParam(); }
    [[nodiscard]] std::string sample() const { return sample_of(option_table()[find_option(name())]); }
};

std::vector<std::string> option_names() {
    std::vector<std::string> names;
    for (const Option& option : option_table()) {
        names.emplace_back(option.name);
    }
    return names;
}
INSTANTIATE_TEST_SUITE_P(Table, EveryOption, testing::ValuesIn(option_names()),
                         [](const auto& tested) { return tested.param; });

TEST_P(EveryOption, ComesFromTheFile) {
    const TemporaryFolder folder;
    const std::string file = folder.write("own.conf", "# comment\n\n" + name() + " = " + sample() + "\n");
    const Finished finished = portguard({"config", "--config", file});
    EXPECT_EQ(settings_in(finished.out)[name()], (Setting{sample(), file + ":3"})) << finished;
}

TEST_P(EveryOption, ComesFromTheEnvironmentBeforeTheFile) {
    const TemporaryFolder folder;
    const std::string file = folder.write("own.conf", name() + " = " + sample() + "\n");
    const Finished finished = portguard(
        {"config"},
        {.environment = {"PORTGUARD_CONFIG=" + file, tools::variable_name(name()) + "=" + sample()}});
    EXPECT_EQ(settings_in(finished.out)[name()], (Setting{sample(), "environment"})) << finished;
}

TEST_P(EveryOption, ComesFromTheCommandLineBeforeAll) {
    for (const std::string& spelling : {tools::spelled(name()), "--" + name()}) {
        const Finished finished = portguard({"config", spelling + "=" + sample()},
                                            {.environment = {tools::variable_name(name()) + "=" + sample()}});
        EXPECT_EQ(settings_in(finished.out)[name()], (Setting{sample(), "command line"})) << finished;
    }
}

TEST_P(EveryOption, IsADefaultWhereNobodySaysAnything) {
    const Finished finished = portguard({"config"});
    EXPECT_EQ(settings_in(finished.out)[name()].place, "default") << finished;
}

TEST_P(EveryOption, ReachesTheProgramAsItWasResolved) {
    // The word after an option that needs no value is PROGRAM.
    const bool stands_alone = !option_table()[find_option(name())].alone.empty();
    const std::string option = tools::spelled(name());
    const Finished finished =
        portguard(stands_alone ? Words{"run", option + "=" + sample(), PORTGUARD_COMMAND, "config"}
                               : Words{"run", option, sample(), PORTGUARD_COMMAND, "config"});
    const Setting expected{sample(), "environment"};
    EXPECT_EQ(settings_in(finished.out)[name()], expected) << finished;
}

TEST(Config, AnOptionThatNeedsNoValueStandsForOne) {
    const Finished finished = portguard({"run", "--lease", PORTGUARD_COMMAND, "config"});
    EXPECT_EQ(settings_in(finished.out)["lease"], (Setting{"on", "environment"})) << finished;
}

TEST(Config, TheLastOneOfTwoWins) {
    const Finished finished = portguard({"config", "--listen=80", "--listen", "81"});
    EXPECT_EQ(settings_in(finished.out)["listen"].value, "81") << finished;
}

TEST(Config, AnEmptyValueDoesNotEatTheNextWord) {
    const Finished finished = portguard({"config", "--only=", "--mode=observe"});
    EXPECT_EQ(settings_in(finished.out)["mode"].value, "observe") << finished;
}

TEST(Config, ABadValueThatTheCommandLineReplacesDoesNotMatter) {
    const Finished finished =
        portguard({"config", "--listen=80"}, {.environment = {"PORTGUARD_LISTEN=nonsense"}});
    EXPECT_EQ(settings_in(finished.out)["listen"], (Setting{"80", "command line"})) << finished;
}

TEST(Config, TheFileOfTheCommandLineBeatsTheOneOfTheEnvironment) {
    const TemporaryFolder folder;
    const std::string file = folder.write("own.conf", "mode = observe\n");
    const Finished finished =
        portguard({"config", "--config=" + file}, {.environment = {"PORTGUARD_CONFIG=/nowhere"}});
    EXPECT_EQ(settings_in(finished.out)["mode"], (Setting{"observe", file + ":1"})) << finished;
}

TEST(Config, ARelativeFileIsFoundByAProgramThatChangesItsDirectory) {
    const TemporaryFolder folder;
    const std::string file = folder.write("own.conf", "mode = observe\n");
    const std::string script = std::string("cd / && ") + PORTGUARD_COMMAND + " config";
    const Setting expected{"observe", file + ":1"};
    const Finished by_option =
        portguard({"run", "--config", "own.conf", "sh", "-c", script}, {.folder = folder.path()});
    EXPECT_EQ(settings_in(by_option.out)["mode"], expected) << by_option;
    const Finished by_environment = portguard(
        {"run", "sh", "-c", script}, {.environment = {"PORTGUARD_CONFIG=own.conf"}, .folder = folder.path()});
    EXPECT_EQ(settings_in(by_environment.out)["mode"], expected) << by_environment;
}

TEST(Config, ARelativeLogIsMadeAbsolute) {
    const TemporaryFolder folder;
    std::filesystem::create_directory(folder.file("logs"));
    const Finished finished = portguard({"run", "--log=file:logs/%p", "env"}, {.folder = folder.path()});
    EXPECT_EQ(variable_in(finished.out, "PORTGUARD_LOG"), "file:" + folder.file("logs/%p")) << finished;
}

TEST(Config, APlanOfManyRangesIsShownWhole) {
    std::string ports;
    for (unsigned port = 1; port < 65000; port += 60) {
        ports += (ports.empty() ? "" : ",") + std::to_string(port) + "-" + std::to_string(port + 30);
    }
    const Finished finished = portguard({"config", "--listen", ports});
    EXPECT_EQ(settings_in(finished.out)["listen"], (Setting{ports, "command line"}));
}

} // namespace
} // namespace portguard::test
