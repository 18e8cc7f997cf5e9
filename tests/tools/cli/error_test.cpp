// Every mistake is answered with one sentence and exit status 2, 126 or 127, and nothing is started.
#include <filesystem>

#include "core/config.h"
#include "tools/support/command.h"

namespace portguard::test {
namespace {

struct Mistake {
    const char* name;
    Words words;
    Words environment;
    /// What the sentence has to name.
    Words parts;
    int exit_status = 2;
};

void PrintTo(const Mistake& mistake, std::ostream* stream) {
    *stream << mistake.name;
}

class MistakeTest : public testing::TestWithParam<Mistake> {};

TEST_P(MistakeTest, IsOneSentenceAndNothingStarts) {
    const TemporaryFolder folder;
    const Mistake& mistake = GetParam();
    const Finished finished =
        portguard(mistake.words, {.environment = mistake.environment, .folder = folder.path()});
    EXPECT_TRUE(refused_with(finished, mistake.exit_status, mistake.parts));
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(CommandLine, WithoutASubcommandPrintsTheOverview) {
    const Finished finished = portguard({});
    EXPECT_TRUE(finished.exited_with(2)) << finished;
    EXPECT_EQ(finished.out, portguard({"--help"}).out);
    EXPECT_EQ(finished.err, "");
}

INSTANTIATE_TEST_SUITE_P(
    CommandLine, MistakeTest,
    testing::Values(
        Mistake{"UnknownSubcommand",
                {"rnu", "touch", "x"},
                {},
                {"'rnu'", "is not a subcommand; the subcommands are run, ", "--help"}},
        Mistake{"NoProgram", {"run", "--mode=off"}, {}, {"PROGRAM", "run --help"}},
        Mistake{"NoProgramAfterDashes", {"run", "--"}, {}, {"PROGRAM"}},
        Mistake{"UnknownOption", {"run", "--lisen=80", "touch", "x"}, {}, {"'--lisen=80'", "run --help"}},
        Mistake{"UnknownShortOption", {"run", "-p", "touch", "x"}, {}, {"'-p'", "run --help"}},
        Mistake{"NoValue", {"run", "--listen"}, {}, {"--listen", "PORT|LOW-HIGH"}},
        Mistake{"ValueForASwitch", {"run", "--print=no", "touch", "x"}, {}, {"--print", "no value"}},
        Mistake{"OperandOfConfig", {"config", "listen"}, {}, {"'listen'", "config --help"}},
        Mistake{"RunOptionGivenToConfig", {"config", "--anyway"}, {}, {"'--anyway'", "config --help"}},
        Mistake{"ControlCharacters", {"run", "--\x1b[2J\n", "touch", "x"}, {}, {"'--?[2J?'"}}),
    [](const auto& tested) { return tested.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Configuration, MistakeTest,
    testing::Values(
        Mistake{"BadPort",
                {"run", "--listen=80,99999", "touch", "x"},
                {},
                {"listen=80,99999", "(command line)", "'99999'", "80,443,5000-14999"}},
        Mistake{"EmptyListen", {"run", "--listen=", "touch", "x"}, {}, {"listen=", "(command line)"}},
        Mistake{"BadWord", {"run", "--mode=on", "touch", "x"}, {}, {"mode=on", "enforce, observe or off"}},
        Mistake{"Overlap",
                {"run", "--listen=5000-15000", "--ephemeral=15000-65000", "touch", "x"},
                {},
                {"port 15000", "listen=5000-14999"}},
        Mistake{"OverlapOfTwoPlaces",
                {"run", "--listen=5000-15000", "touch", "x"},
                {"PORTGUARD_EPHEMERAL=15000-65000"},
                {"(command line)", "(environment)"}},
        Mistake{"BadEnvironment",
                {"run", "touch", "x"},
                {"PORTGUARD_LISTEN=http"},
                {"listen=http", "(environment)"}},
        Mistake{"UnknownVariable",
                {"run", "touch", "x"},
                {"PORTGUARD_LISEN=80"},
                {"PORTGUARD_LISEN=80 (environment)", "listen,"}},
        Mistake{"RelativeLogInTheEnvironment",
                {"run", "touch", "x"},
                {"PORTGUARD_LOG=file:x.log"},
                {"log=file:x.log", "absolute"}},
        Mistake{"MissingFile",
                {"run", "--config=nowhere.conf", "touch", "x"},
                {},
                {"config=nowhere.conf", "(command line)", "no such file"}},
        Mistake{"MissingFileOfTheEnvironment",
                {"run", "touch", "x"},
                {"PORTGUARD_CONFIG=/nowhere.conf"},
                {"config=/nowhere.conf", "(environment)"}},
        Mistake{"FolderAsFile", {"run", "--config=/etc", "touch", "x"}, {}, {"config=/etc", "directory"}},
        Mistake{"ConfigIsAsStrict", {"config", "--mode=on"}, {}, {"mode=on"}}),
    [](const auto& tested) { return tested.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Program, MistakeTest,
    testing::Values(Mistake{"NotInPath", {"run", "no-such-program"}, {}, {"'no-such-program'", "PATH"}, 127},
                    Mistake{"NoSuchFile", {"run", "./no-such-program"}, {}, {"no-such-program"}, 127},
                    Mistake{"EmptyName", {"run", ""}, {}, {"no such program"}, 127},
                    Mistake{"Folder", {"run", "/etc"}, {}, {"'/etc'", "regular file"}, 126},
                    Mistake{
                        "NotExecutable", {"run", "/etc/passwd"}, {}, {"'/etc/passwd'", "permission"}, 126}),
    [](const auto& tested) { return tested.param.name; });

TEST(Mistake, InAFileNamesFileAndLine) {
    const TemporaryFolder folder;
    const std::string file = folder.write("own.conf", "# mine\nlisten = 80\nmode = on\n");
    EXPECT_TRUE(refused_with(portguard({"run", "--config", file, "true"}), 2, {file + ":3", "mode=on"}));
}

TEST(Mistake, AFileWithoutAnEndIsRefused) {
    EXPECT_TRUE(refused_with(portguard({"run", "--config=/dev/zero", "true"}), 2, {"/dev/zero", "64 KiB"}));
}

TEST(Mistake, AFileLongerThanTheGuardReadsIsRefused) {
    const TemporaryFolder folder;
    const std::string longest =
        folder.write("longest.conf", "#" + std::string(config_file_capacity - 2, 'x'));
    const std::string longer = folder.write("longer.conf", "#" + std::string(config_file_capacity - 1, 'x'));
    EXPECT_TRUE(portguard({"run", "--config", longest, "true"}).exited_with(0));
    EXPECT_TRUE(refused_with(portguard({"run", "--config", longer, "true"}), 2, {longer, "64 KiB"}));
}

TEST(Mistake, AProgramThatIsNotExecutableIsPassedOverInPath) {
    const TemporaryFolder folder;
    static_cast<void>(folder.write("first/prog", "#!/bin/sh\necho first\n", 0644));
    static_cast<void>(folder.write("second/prog", "#!/bin/sh\necho second\n", 0755));
    const std::string path = folder.file("first") + ":" + folder.file("second") + ":/usr/bin:/bin";
    EXPECT_EQ(portguard({"run", "prog"}, {.environment = {"PATH=" + path}}).out, "second\n");
    EXPECT_TRUE(refused_with(portguard({"run", "prog"}, {.environment = {"PATH=" + folder.file("first")}}),
                             126, {"'prog'", "Permission denied"}));
}

TEST(Mistake, AMissingInterpreterIsNamedAsSuch) {
    const TemporaryFolder folder;
    const std::string script = folder.write("script", "#!/no/such/interpreter\n", 0755);
    EXPECT_TRUE(refused_with(portguard({"run", script}), 126, {script, "interpreter"}));
}

TEST(Mistake, OutputThatCannotBeWrittenIsNotSuccess) {
    const Finished finished =
        run_process({.argv = {"sh", "-c", std::string(PORTGUARD_COMMAND) + " --help >/dev/full"}});
    EXPECT_TRUE(refused_with(finished, 1, {"standard output"}));
}

} // namespace
} // namespace portguard::test
