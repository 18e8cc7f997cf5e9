// Completions and man page, in the hands of bash and man.
#include "core/options.h"
#include "tools/cli/command.h"
#include "tools/support/command.h"

namespace portguard::test {
namespace {

/// What bash offers for the last of `words`, one a line. `words` as bash splits them.
std::string offered(const Words& words) {
    std::string script = "source <(" PORTGUARD_COMMAND " completion bash)\nCOMP_WORDS=(portguard";
    for (const std::string& word : words) {
        script += " '" + word + "'";
    }
    script += ")\nCOMP_CWORD=" + std::to_string(words.size()) +
              "\ncomplete -p portguard >/dev/null\n"
              "_portguard\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
    const Finished finished = run_process({.argv = {"bash", "-uc", script}});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    return finished.out;
}

TEST(Completion, OffersSubcommands) {
    EXPECT_EQ(offered({"ch"}), "check\n");
    for (const tools::Command* const command : tools::all_commands()) {
        EXPECT_NE(("\n" + offered({""})).find("\n" + std::string(command->name) + "\n"), std::string::npos);
    }
}

TEST(Completion, OffersTheOptionsOfTheSubcommandAlone) {
    EXPECT_EQ(offered({"check", "--sa"}), "--sample=\n");
    EXPECT_EQ(offered({"plan", "--sa"}), "\n");
    for (const tools::Command* const command : tools::all_commands()) {
        for (const tools::Parameter& parameter : tools::parameters_of(*command)) {
            const std::string spelled =
                tools::spelled(parameter.name) + (parameter.values.empty() ? "" : "=");
            EXPECT_NE(offered({std::string(command->name), spelled}).find(spelled), std::string::npos)
                << spelled;
        }
    }
}

TEST(Completion, OffersValuesAfterTheEqualsSign) {
    EXPECT_EQ(offered({"run", "--mode", "="}), "enforce\nobserve\noff\n");
    EXPECT_EQ(offered({"run", "--mode", "=", "ob"}), "observe\n");
    EXPECT_EQ(offered({"run", "--deny-errno", "=", "EP"}), "EPERM\n");
    EXPECT_EQ(offered({"plan", "--to", "=", "sys"}), "sysctl\nsystemd\n");
    EXPECT_EQ(offered({"check", "--sample", "="}), "\n");
}

TEST(Completion, OffersFilesWhereAFileIsWanted) {
    EXPECT_NE(offered({"plan", "--list", "=", "/etc/passw"}).find("/etc/passwd\n"), std::string::npos);
}

TEST(Completion, OffersProgramsToRun) {
    EXPECT_NE(offered({"run", "pyth"}).find("python3\n"), std::string::npos);
}

TEST(Completion, OfAnotherShellIsRefused) {
    EXPECT_TRUE(refused_with(portguard({"completion", "fish"}), 2, {"'fish'", "completion bash"}));
    EXPECT_TRUE(refused_with(portguard({"completion"}), 2, {"SHELL"}));
}

TEST(ManPage, IsFormattedWithoutAWarning) {
    const TemporaryFolder folder;
    const std::string file = folder.write("portguard.1", portguard({"man"}).out);
    for (const Words& argv : {Words{"man", "--warnings", "--local-file", file},
                              Words{"groff", "-ww", "-man", "-Tutf8", "-z", file}}) {
        const Finished finished =
            run_process({.argv = argv, .environment = {"MANWIDTH=80", "LC_ALL=C.UTF-8"}});
        EXPECT_TRUE(finished.exited_with(0)) << finished;
        EXPECT_EQ(finished.err, "");
    }
}

TEST(ManPage, NamesEverySubcommandAndOption) {
    const TemporaryFolder folder;
    const std::string file = folder.write("portguard.1", portguard({"man"}).out);
    const std::string page = run_process({.argv = {"groff", "-man", "-Tascii", "-P-c", "-P-bou", file}}).out;
    for (const tools::Command* const command : tools::all_commands()) {
        EXPECT_NE(page.find("portguard " + std::string(command->name)), std::string::npos) << page;
        for (const tools::Parameter& parameter : tools::parameters_of(*command)) {
            EXPECT_NE(page.find(tools::spelled(parameter.name)), std::string::npos) << parameter.name;
        }
    }
}

} // namespace
} // namespace portguard::test
