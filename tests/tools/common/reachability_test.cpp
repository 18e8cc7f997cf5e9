// Programs that a preload cannot reach are refused before they start.
#include <algorithm>
#include <filesystem>
#include <sstream>

#include <elf.h>

#include "tools/common/program_file.h"
#include "tools/common/reachability.h"
#include "tools/support/command.h"

namespace portguard::test {
namespace {

constexpr const char* way_out = "--anyway";

TEST(Reachability, ADynamicProgramStarts) {
    EXPECT_TRUE(portguard({"run", PORTGUARD_DYNAMIC_PROGRAM}).exited_with(42));
}

TEST(Reachability, AStaticProgramIsRefused) {
    EXPECT_TRUE(refused_with(portguard({"run", PORTGUARD_STATIC_PROGRAM}), 3,
                             {PORTGUARD_STATIC_PROGRAM, "statically linked", way_out}));
}

TEST(Reachability, AStaticProgramStartsAnyway) {
    const Finished finished = portguard({"run", "--anyway", PORTGUARD_STATIC_PROGRAM});
    EXPECT_TRUE(finished.exited_with(42)) << finished;
    EXPECT_EQ(finished.err, "");
}

TEST(Reachability, AProgramForAnotherLibcIsRefused) {
    EXPECT_TRUE(refused_with(portguard({"run", PORTGUARD_UCLIBC_PROGRAM}), 3,
                             {PORTGUARD_UCLIBC_PROGRAM, "another libc", "ld64-uClibc", way_out}));
}

// To link it otherwise would not help.
TEST(Reachability, AGoProgramIsRefusedForWhatItIsHoweverItIsLinked) {
    for (const char* const program : {PORTGUARD_GO_PROGRAM, PORTGUARD_STATIC_GO_PROGRAM}) {
        const Finished finished = portguard({"run", program});
        EXPECT_TRUE(refused_with(finished, 3, {program, "is a Go program", "ip_local_port_range", way_out}));
        EXPECT_EQ(finished.err.find("link it dynamically"), std::string::npos) << finished;
    }
}

/// The dynamic program with a header that claims something else.
std::string altered_program(const TemporaryFolder& folder, std::size_t offset, unsigned char value) {
    const tools::MappedFile original(PORTGUARD_DYNAMIC_PROGRAM);
    std::string bytes(original.text());
    bytes[offset] = static_cast<char>(value);
    return folder.write("altered", bytes, 0755);
}

TEST(Reachability, AProgramOfAnotherWordSizeIsRefused) {
    const TemporaryFolder folder;
    const std::string program =
        altered_program(folder, EI_CLASS, sizeof(void*) == 8 ? ELFCLASS32 : ELFCLASS64);
    EXPECT_TRUE(refused_with(portguard({"run", program}), 3, {program, "32-bit", "64-bit", way_out}));
}

TEST(Reachability, AProgramForAnotherMachineIsRefused) {
    const TemporaryFolder folder;
    const std::string program = altered_program(folder, offsetof(Elf32_Ehdr, e_machine), EM_SPARCV9);
    EXPECT_TRUE(refused_with(portguard({"run", program}), 3, {program, "machine 43", way_out}));
}

TEST(Reachability, ALoaderThatWouldComplainAboutTheGuardDoesNotSeeIt) {
    const TemporaryFolder folder;
    const std::string other_machine = altered_program(folder, offsetof(Elf32_Ehdr, e_machine), EM_SPARCV9);
    for (const std::string& program : {std::string(PORTGUARD_UCLIBC_PROGRAM), other_machine}) {
        const Finished finished = portguard({"run", "--anyway", "--print", program});
        EXPECT_TRUE(finished.exited_with(0)) << finished;
        EXPECT_EQ(finished.out.find("LD_PRELOAD"), std::string::npos) << finished;
        EXPECT_NE(finished.out.find("unguarded: "), std::string::npos) << finished;
    }
}

TEST(Reachability, TheLoaderItselfMayBeStarted) {
    const std::string loader = tools::own_elf().interpreter;
    EXPECT_TRUE(portguard({"run", loader, PORTGUARD_DYNAMIC_PROGRAM}).exited_with(42));
}

TEST(Reachability, PrintRefusesAsARunWould) {
    EXPECT_TRUE(
        refused_with(portguard({"run", "--print", PORTGUARD_STATIC_PROGRAM}), 3, {"statically linked"}));
}

class LauncherReachability : public testing::TestWithParam<const char*> {};

TEST_P(LauncherReachability, IsThatOfTheProgramBehindIt) {
    const TemporaryFolder folder;
    std::filesystem::create_symlink(PORTGUARD_DYNAMIC_PROGRAM, folder.file("reachable"));
    std::filesystem::create_symlink(PORTGUARD_STATIC_PROGRAM, folder.file("unreachable"));
    std::filesystem::create_symlink(PORTGUARD_STATIC_GO_PROGRAM, folder.file("unreachable-go"));
    const auto behind = [&folder](const std::string& program, const Words& options) {
        std::string line = GetParam();
        line.replace(line.find("PROGRAM"), std::string_view("PROGRAM").size(), program);
        Words words{"run"};
        words.insert(words.end(), options.begin(), options.end());
        std::istringstream stream(line);
        for (std::string word; stream >> word;) {
            std::replace(word.begin(), word.end(), '_', ' ');
            words.push_back(word);
        }
        return portguard(words, {.environment = {"PATH=" + folder.path().string() + ":/usr/bin:/bin"}});
    };
    EXPECT_TRUE(refused_with(behind("unreachable", {}), 3,
                             {folder.file("unreachable"), "statically linked", way_out}));
    EXPECT_TRUE(
        refused_with(behind("unreachable-go", {}), 3, {"unreachable-go", "is a Go program", way_out}));
    EXPECT_TRUE(behind("unreachable", {"--anyway"}).exited_with(42));
    EXPECT_TRUE(behind("reachable", {}).exited_with(42));
}

INSTANTIATE_TEST_SUITE_P(Ways, LauncherReachability,
                         testing::Values("nohup PROGRAM", "timeout -k 1 60 PROGRAM", "env -u A B=1 PROGRAM",
                                         "env -S B=1_PROGRAM", "nice -n 1 PROGRAM", "ionice -c 3 PROGRAM",
                                         "setsid -w PROGRAM", "stdbuf -oL PROGRAM", "chrt -b 0 PROGRAM",
                                         "taskset -c 0 PROGRAM", "sh -c PROGRAM", "bash -ec A=1_exec_PROGRAM",
                                         "nice timeout 60 env A=1 sh -c exec_nohup_PROGRAM"));

TEST(Reachability, EndsWithALauncherThatClearsTheEnvironment) {
    for (const Words& launcher : {Words{"env", "-i"}, Words{"env", "-u", "LD_PRELOAD"}}) {
        Words words{"run", "nice"};
        words.insert(words.end(), launcher.begin(), launcher.end());
        words.emplace_back(PORTGUARD_DYNAMIC_PROGRAM);
        EXPECT_TRUE(refused_with(
            portguard(words), 3,
            {"env' starts its program without LD_PRELOAD", "put `portguard run` behind it", way_out}));
        words.insert(words.begin() + 1, "--anyway");
        EXPECT_TRUE(portguard(words).exited_with(42));
    }
    EXPECT_TRUE(portguard({"run", "env", "-i"}).exited_with(0));
}

TEST(Reachability, EndsWithSudoWhateverTheUser) {
    const TemporaryFolder folder;
    std::filesystem::create_symlink(PORTGUARD_DYNAMIC_PROGRAM, folder.file("sudo"));
    EXPECT_TRUE(refused_with(portguard({"run", folder.file("sudo"), "-E", "true"}), 3,
                             {folder.file("sudo"), "without LD_PRELOAD", "behind it", way_out}));
}

class ScriptReachability : public testing::TestWithParam<const char*> {};

TEST_P(ScriptReachability, IsThatOfTheInterpreter) {
    const TemporaryFolder folder;
    std::filesystem::create_symlink(PORTGUARD_STATIC_PROGRAM, folder.file("unreachable"));
    std::filesystem::create_symlink("/bin/sh", folder.file("reachable"));
    const ProcessSpec with_path{.environment = {"PATH=" + folder.path().string() + ":/usr/bin:/bin"}};

    const std::string line = std::string("#!") + GetParam();
    const auto script_for = [&](const std::string& interpreter) {
        std::string text = line + "\nexit 7\n";
        text.replace(text.find("INTERPRETER"), std::string_view("INTERPRETER").size(), interpreter);
        if (const std::size_t place = text.find("HERE"); place != std::string::npos) {
            text.replace(place, 4, folder.path().string());
        }
        return folder.write("script-" + interpreter, text, 0755);
    };
    EXPECT_TRUE(refused_with(portguard({"run", script_for("unreachable")}, with_path), 3,
                             {folder.file("unreachable"), "statically linked"}));
    EXPECT_TRUE(portguard({"run", script_for("reachable")}, with_path).exited_with(7));
}

INSTANTIATE_TEST_SUITE_P(Ways, ScriptReachability,
                         testing::Values("HERE/INTERPRETER", " HERE/INTERPRETER -e",
                                         "/usr/bin/env INTERPRETER", "/usr/bin/env -S INTERPRETER -e",
                                         "/usr/bin/env -S A=1 INTERPRETER"));

TEST(Reachability, OfAScriptIsFoundThroughOtherScripts) {
    const TemporaryFolder folder;
    const std::string first =
        folder.write("first", std::string("#!") + PORTGUARD_STATIC_PROGRAM + "\n", 0755);
    const std::string second = folder.write("second", "#!" + first + "\n", 0755);
    EXPECT_TRUE(refused_with(portguard({"run", second}), 3, {PORTGUARD_STATIC_PROGRAM}));
}

TEST(Reachability, AScriptThatNamesItselfIsAnErrorOfTheKernel) {
    const TemporaryFolder folder;
    const std::string script = folder.write("script", "#!" + folder.file("script") + "\n", 0755);
    EXPECT_TRUE(refused_with(portguard({"run", script}), 126, {script}));
}

} // namespace
} // namespace portguard::test
