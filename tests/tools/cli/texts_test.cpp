// Texts that are made from the option table: help and the page of options.
#include <fstream>
#include <iterator>

#include "core/options.h"
#include "tools/cli/command.h"
#include "tools/support/command.h"

namespace portguard::test {
namespace {

TEST(OptionsPage, HoldsTheTableAsTheCommandPrintsIt) {
    constexpr std::string_view start = "<!-- options -->\n";
    constexpr std::string_view end = "<!-- /options -->";
    std::ifstream file(PORTGUARD_OPTIONS_PAGE);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const std::size_t first = text.find(start);
    const std::size_t last = text.find(end);
    ASSERT_TRUE(first != std::string::npos && last != std::string::npos)
        << PORTGUARD_OPTIONS_PAGE " has no lines " << start << "and " << end
        << "; the output of `portguard config --markdown` belongs between them";
    EXPECT_EQ(text.substr(first + start.size(), last - first - start.size()),
              portguard({"config", "--markdown"}).out)
        << "paste the output of `portguard config --markdown` between the two markers";
}

TEST(Help, NamesEveryOptionAndItsValues) {
    for (const char* const command : {"run", "config"}) {
        const Finished finished = portguard({command, "--help"});
        EXPECT_TRUE(finished.exited_with(0)) << finished;
        for (const Option& option : option_table()) {
            const std::string line =
                "  " + tools::spelled(option.name) + "=" + std::string(option.values) + "\n";
            EXPECT_NE(finished.out.find(line), std::string::npos) << line << " is not in " << finished.out;
        }
        EXPECT_NE(finished.out.find("Examples:\n    portguard "), std::string::npos) << finished.out;
    }
}

TEST(Help, FitsATerminal) {
    for (const Words& words : {Words{"--help"}, Words{"run", "--help"}, Words{"config", "--help"}}) {
        std::istringstream lines(portguard(words).out);
        for (std::string line; std::getline(lines, line);) {
            EXPECT_LE(line.size(), 100U) << line;
        }
    }
}

TEST(Help, OfTheWholeNamesEverySubcommand) {
    const Finished finished = portguard({"--help"});
    for (const tools::Command* const command : tools::all_commands()) {
        EXPECT_NE(finished.out.find("portguard " + std::string(command->name)), std::string::npos);
    }
}

TEST(Help, ComesBeforeAnyComplaint) {
    EXPECT_TRUE(portguard({"run", "--help", "--mode=on"}).exited_with(0));
}

TEST(Help, AfterTheProgramBelongsToTheProgram) {
    EXPECT_EQ(portguard({"run", "echo", "--help", "--version"}).out, "--help --version\n");
}

TEST(Version, IsOneLine) {
    const Finished finished = portguard({"--version"});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(finished.out, "portguard " PORTGUARD_VERSION "\n");
}

} // namespace
} // namespace portguard::test
