// Texts that are made from the option table: help and the page of options.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "core/options.h"
#include "tools/cli/command.h"
#include "tools/cli/texts.h"
#include "tools/support/command.h"
#include "tools/support/schema.h"

namespace portguard::test {
namespace {

struct Page {
    const char* file;
    const char* name;
    Words words;
};

class PageTest : public testing::TestWithParam<Page> {};

TEST_P(PageTest, HoldsTheTableAsTheCommandPrintsIt) {
    const Page& page = GetParam();
    const std::string start = std::string("<!-- ") + page.name + " -->\n";
    const std::string end = std::string("<!-- /") + page.name + " -->";
    std::ifstream file(page.file);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const std::size_t first = text.find(start);
    const std::size_t last = text.find(end);
    ASSERT_TRUE(first != std::string::npos && last != std::string::npos)
        << page.file << " has no lines " << start << "and " << end;
    EXPECT_EQ(text.substr(first + start.size(), last - first - start.size()), portguard(page.words).out)
        << "run `cmake --build --preset dev --target pages`";
}

INSTANTIATE_TEST_SUITE_P(Table, PageTest,
                         testing::Values(Page{PORTGUARD_OPTIONS_PAGE, "options", {"config", "--markdown"}},
                                         Page{
                                             PORTGUARD_COMMANDS_PAGE, "exit status", {"help", "--markdown"}}),
                         [](const auto& tested) {
                             return tested.param.name == std::string("options") ? "Options" : "ExitStatus";
                         });

TEST(ExitStatus, IsInTheTableForEveryCommand) {
    const std::string table = portguard({"help", "--markdown"}).out;
    for (const tools::Command* const command : tools::all_commands()) {
        EXPECT_NE(table.find("\n| `" + std::string(command->name) + "` | "), std::string::npos) << table;
    }
}

/// The words of one help: `portguard help` without a subject, too.
Words help_of(std::string_view subject) {
    return subject.empty() ? Words{"help"} : Words{"help", std::string(subject)};
}

std::vector<std::string_view> all_subjects() {
    std::vector<std::string_view> subjects = tools::subjects();
    subjects.emplace_back();
    return subjects;
}

TEST(Help, OfTheOptionsNamesEveryOneWithItsValues) {
    const Finished finished = portguard({"help", "options"});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    for (const Option& option : option_table()) {
        const std::string name = "  " + tools::spelled(option.name);
        const std::string head = name + "=" + std::string(option.values);
        // One whose value may be left out.
        const std::string short_head = name + "[=" + std::string(option.values) + "]";
        EXPECT_TRUE(finished.out.find(head) != std::string::npos ||
                    finished.out.find(short_head) != std::string::npos)
            << head << " is not in " << finished.out;
    }
}

TEST(Help, FitsATerminal) {
    for (const std::string_view subject : all_subjects()) {
        const Finished finished = portguard(help_of(subject));
        EXPECT_TRUE(finished.exited_with(0)) << finished;
        std::istringstream lines(finished.out);
        std::size_t count = 0;
        for (std::string line; std::getline(lines, line); ++count) {
            EXPECT_LE(line.size(), 80U) << line;
        }
        if (subject != tools::options_subject) {
            EXPECT_LE(count, 40U) << finished.out;
        }
    }
}

TEST(Help, OfACommandNamesItsOwnOptionsItsExitStatusAndAnExample) {
    for (const tools::Command* const command : tools::all_commands()) {
        const std::string name(command->name);
        const Finished finished = portguard({name, "--help"});
        EXPECT_EQ(finished.out, portguard({"help", name}).out);
        for (const tools::Parameter& parameter : command->own) {
            EXPECT_NE(finished.out.find("  " + tools::spelled_with_letter(parameter)), std::string::npos)
                << finished;
        }
        EXPECT_NE(finished.out.find("\nExit status: "), std::string::npos) << finished;
        EXPECT_NE(finished.out.find("Examples:\n  "), std::string::npos) << finished;
    }
}

TEST(Help, HasNoOptionOfAGuardedProgramWhereNoneRuns) {
    EXPECT_EQ(portguard({"rescue", "--help"}).out.find("--listen="), std::string::npos);
    EXPECT_EQ(portguard({"who", "--help"}).out.find("--mode"), std::string::npos);
    EXPECT_EQ(portguard({"check", "--help"}).out.find("--mode"), std::string::npos);
}

TEST(Help, OfTheWholeNamesEverySubcommand) {
    const Finished finished = portguard({"--help"});
    EXPECT_EQ(finished.out, portguard({"help"}).out);
    for (const tools::Command* const command : tools::all_commands()) {
        EXPECT_NE(finished.out.find("\n  " + std::string(command->name) + " "), std::string::npos);
    }
}

TEST(Help, OfAnUnknownSubjectNamesThoseThatThereAre) {
    EXPECT_TRUE(refused_with(portguard({"help", "rnu"}), 2, {"'rnu'", "run, check", "options"}));
}

TEST(Help, IsHadByItsLetterEverywhere) {
    EXPECT_EQ(portguard({"-h"}).out, portguard({"help"}).out);
    for (const tools::Command* const command : tools::all_commands()) {
        const std::string name(command->name);
        EXPECT_EQ(portguard({name, "-h"}).out, portguard({"help", name}).out);
    }
}

TEST(Help, ComesBeforeAnyComplaint) {
    EXPECT_TRUE(portguard({"run", "--help", "--mode=on"}).exited_with(0));
}

TEST(Help, AfterTheProgramBelongsToTheProgram) {
    EXPECT_EQ(portguard({"run", "echo", "--help", "--version"}).out, "--help --version\n");
}

TEST(Version, HasCommitLibraryAndWhatTheKernelHas) {
    const Finished finished = portguard({"version"});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_TRUE(finished.out.starts_with("portguard " PORTGUARD_VERSION " (commit ")) << finished;
    for (const char* const part :
         {"\nlibrary  " PORTGUARD_SHIM "\n", "\nkernel   ", "IP_LOCAL_PORT_RANGE: "}) {
        EXPECT_NE(finished.out.find(part), std::string::npos) << finished;
    }
    for (const char* const word : {"--version", "-V"}) {
        EXPECT_EQ(portguard({word}).out, finished.out);
    }
    const auto answer = json_answer({"version"}, 0);
    EXPECT_EQ(answer["library"], PORTGUARD_SHIM);
    EXPECT_EQ(answer["i386_library"].is_null(), finished.out.find("\ni386     /") == std::string::npos);
    EXPECT_TRUE(answer["features"]["IP_LOCAL_PORT_RANGE"].is_boolean());
}

TEST(Version, SaysThatTheLibraryIsMissing) {
    const InstalledCopy copy;
    std::filesystem::remove(copy.shim());
    const Finished finished = run_process({.argv = {copy.command(), "version"}});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_NE(finished.out.find("\nlibrary  missing\n"), std::string::npos) << finished;
}

} // namespace
} // namespace portguard::test
