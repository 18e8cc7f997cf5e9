// Completions and man pages, in the hands of bash and man.
#include <filesystem>
#include <sstream>

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

TEST(Completion, OffersOnlyTheOptionsOfTheSubcommand) {
    EXPECT_EQ(offered({"check", "--sa"}), "--sample=\n");
    EXPECT_EQ(offered({"plan", "--sa"}), "\n");
    EXPECT_EQ(offered({"who", "--mo"}), "\n");
    EXPECT_EQ(offered({"run", "--mo"}), "--mode=\n");
    for (const tools::Command* const command : tools::all_commands()) {
        for (const tools::Parameter& parameter : command->own) {
            const std::string spelled =
                tools::spelled(parameter.name) + (parameter.values.empty() ? "" : "=");
            EXPECT_NE(offered({std::string(command->name), spelled}).find(spelled), std::string::npos)
                << spelled;
        }
    }
}

TEST(Completion, OffersEveryOptionOfTheGuardWhereAProgramRuns) {
    const std::string all = "\n" + offered({"run", "--"});
    for (const Option& option : option_table()) {
        const std::string spelled = tools::spelled(option.name) + "=";
        EXPECT_NE(all.find("\n" + spelled + "\n"), std::string::npos) << spelled << " is not in " << all;
    }
}

TEST(Completion, OffersValuesAfterTheEqualsSign) {
    EXPECT_EQ(offered({"run", "--mode", "="}), "enforce\nobserve\noff\n");
    EXPECT_EQ(offered({"run", "--mode", "=", "ob"}), "observe\n");
    EXPECT_EQ(offered({"run", "--deny-errno", "=", "EP"}), "EPERM\n");
    EXPECT_EQ(offered({"plan", "--to", "=", "sys"}), "sysctl\nsystemd\n");
    EXPECT_EQ(offered({"check", "--sample", "="}), "\n");
    EXPECT_EQ(offered({"run", "--log", "=", "f"}), "file:\n");
    EXPECT_EQ(offered({"run", "--stack-depth", "="}), "\n");
}

TEST(Completion, OffersValuesWithADash) {
    EXPECT_EQ(offered({"hold", "10000", "--state", "=", "time"}), "time-wait\n");
    EXPECT_EQ(offered({"hold", "10000", "--state", "time"}), "time-wait\n");
    EXPECT_EQ(offered({"ci", "--fail-on", "=", "in"}), "in-use\n");
}

TEST(Completion, OffersClosedLists) {
    EXPECT_EQ(offered({"events", "--event", "=", "in"}), "in_use\ninjected\ninvalid\n");
    EXPECT_EQ(offered({"events", "--cause", "=", "own_"}), "own_time_wait\n");
    EXPECT_EQ(offered({"events", "--call", "=", "co"}), "connect\n");
    EXPECT_EQ(offered({"repro", "--with-fix", "="}), "all\nreuseaddr\nsplit\nwait\nnone\n");
}

TEST(Completion, OffersShellsAndSubjects) {
    EXPECT_EQ(offered({"completion", "b"}), "bash\n");
    EXPECT_EQ(offered({"completion", "f"}), "fish\n");
    EXPECT_EQ(offered({"help", "re"}), "rescue\nrepro\n");
    EXPECT_EQ(offered({"man", "op"}), "options\n");
}

TEST(Completion, OffersFilesAfterFile) {
    for (const char* const option : {"--log", "--record"}) {
        EXPECT_NE(offered({"run", option, "=", "file", ":", "/etc/passw"}).find("/etc/passwd\n"),
                  std::string::npos);
        EXPECT_NE(offered({"ci", option, "=", "file", ":"}).find("\n"), std::string::npos);
    }
    EXPECT_EQ(offered({"run", "--mode", "=", "file", ":", "/etc/passw"}), "\n");
    EXPECT_EQ(offered({"who", "127.0.0.1", ":"}), "\n");
}

TEST(Completion, OffersFilesWhereAFileIsWanted) {
    EXPECT_NE(offered({"plan", "--list", "=", "/etc/passw"}).find("/etc/passwd\n"), std::string::npos);
}

TEST(Completion, OffersProgramsToRun) {
    EXPECT_NE(offered({"run", "pyth"}).find("python3\n"), std::string::npos);
}

TEST(Completion, OfAnotherShellIsRefused) {
    EXPECT_TRUE(refused_with(portguard({"completion", "tcsh"}), 2, {"'tcsh'", "bash, zsh and fish"}));
    EXPECT_TRUE(refused_with(portguard({"completion"}), 2, {"SHELL"}));
}

/// What fish offers for `line`, one a line, without descriptions.
std::string offered_by_fish(const std::string& line) {
    const Finished finished = run_process(
        {.argv = {"fish", "--no-config", "-c",
                  PORTGUARD_COMMAND " completion fish | source; complete -C '" + line + "' | cut -f1"}});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(finished.err, "");
    return finished.out;
}

TEST(FishCompletion, OffersSubcommandsOptionsAndValues) {
    EXPECT_EQ(offered_by_fish("portguard ch"), "check\n");
    EXPECT_EQ(offered_by_fish("portguard run --mo"), "--mode\n");
    EXPECT_EQ(offered_by_fish("portguard run --mode=o"), "--mode=observe\n--mode=off\n");
    EXPECT_EQ(offered_by_fish("portguard plan --to sys"), "sysctl\nsystemd\n");
    EXPECT_EQ(offered_by_fish("portguard completion "), "bash\nfish\nzsh\n");
    EXPECT_EQ(offered_by_fish("portguard who --mo"), "");
    for (const tools::Command* const command : tools::all_commands()) {
        const std::string all = "\n" + offered_by_fish("portguard " + std::string(command->name) + " --");
        for (const tools::Parameter& parameter : command->own) {
            EXPECT_NE(all.find("\n" + tools::spelled(parameter.name)), std::string::npos)
                << command->name << ": " << parameter.name << " is not in " << all;
        }
    }
}

/// What zsh makes of each of `lines` and a tab, on a terminal, one a line.
std::string completed_by_zsh(const Words& lines) {
    const TemporaryFolder folder;
    const std::string script = folder.write("_portguard", portguard({"completion", "zsh"}).out);
    Words argv{"/usr/bin/python3", "-c", R"(
import os, pty, select, sys, time
script, lines = sys.argv[1], sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM='dumb', PS1='', HOME='/nonexistent')
    os.execvp('zsh', ['zsh', '-f', '-i'])
def until(text):
    got, end = b'', time.monotonic() + 20
    while text not in got and time.monotonic() < end:
        if select.select([fd], [], [], 0.1)[0]:
            got += os.read(fd, 4096)
    return got
start = '''autoload -U compinit; compinit -D -u; source %s; bindkey '^I' complete-word
portguard() { print -r -- "GO""T:$*:" }; print RE''ADY
''' % script
os.write(fd, start.encode())
until(b'READY\r\n')
for line in lines:
    os.write(fd, line.encode() + b'\t\n')
    print(until(b':\r\n').rsplit(b'GOT:', 1)[-1].split(b':\r\n')[0].decode())
os.close(fd)
)",
               script};
    argv.insert(argv.end(), lines.begin(), lines.end());
    const Finished finished = run_process({.argv = argv});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    return finished.out;
}

TEST(ZshCompletion, CompletesSubcommandsOptionsAndValues) {
    EXPECT_EQ(
        completed_by_zsh({"portguard chec", "portguard run --mod", "portguard run --mode=obs",
                          "portguard plan --to syst", "portguard completion fi", "portguard who --mod"}),
        "check\nrun --mode\nrun --mode=observe\nplan --to systemd\ncompletion fish\nwho --mod\n");
}

TEST(ZshCompletion, IsAScriptWithoutAnError) {
    const TemporaryFolder folder;
    const std::string script = folder.write("_portguard", portguard({"completion", "zsh"}).out);
    const Finished finished = run_process({.argv = {"zsh", "-f", "-n", script}});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_EQ(finished.err, "");
}

/// A file for each page.
class ManPage : public testing::Test {
protected:
    void SetUp() override {
        const Finished finished = portguard({"man", "--into", folder_.path().string()});
        ASSERT_TRUE(finished.exited_with(0)) << finished;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
            if (entry.is_regular_file()) {
                files_.push_back(entry.path().string());
            }
        }
        // Each command, portguard(1) and portguard.conf(5).
        ASSERT_EQ(files_.size(), tools::all_commands().size() + 2);
    }

    [[nodiscard]] const Words& files() const { return files_; }
    static std::string rendered(const std::string& file) {
        return run_process({.argv = {"groff", "-man", "-Tascii", "-rLL=80n", "-P-c", "-P-bou", file}}).out;
    }
    [[nodiscard]] std::string rendered_page(const std::string& name) const {
        return rendered(folder_.file(name));
    }

private:
    TemporaryFolder folder_;
    Words files_;
};

TEST_F(ManPage, IsFormattedWithoutAWarning) {
    for (const std::string& file : files()) {
        for (const Words& argv : {Words{"man", "--warnings", "--local-file", file},
                                  Words{"groff", "-ww", "-man", "-Tutf8", "-z", file}}) {
            const Finished finished =
                run_process({.argv = argv, .environment = {"MANWIDTH=80", "LC_ALL=C.UTF-8"}});
            EXPECT_TRUE(finished.exited_with(0)) << finished;
            EXPECT_EQ(finished.err, "");
        }
    }
}

TEST_F(ManPage, FitsEightyColumns) {
    for (const std::string& file : files()) {
        std::istringstream lines(rendered(file));
        for (std::string line; std::getline(lines, line);) {
            EXPECT_LE(line.size(), 80U) << file << ": " << line;
        }
    }
}

TEST_F(ManPage, HasExitStatusAndExamples) {
    for (const std::string& file : files()) {
        const std::string page = rendered(file);
        for (const char* const heading : {"\nNAME\n", "\nEXIT STATUS\n", "\nEXAMPLES\n", "\nSEE ALSO\n"}) {
            EXPECT_NE(page.find(heading), std::string::npos) << file << " has no " << heading;
        }
    }
}

TEST_F(ManPage, OfACommandNamesEachOfItsOptions) {
    const std::string overview = rendered_page("man1/portguard.1");
    for (const tools::Command* const command : tools::all_commands()) {
        const std::string name = "portguard-" + std::string(command->name);
        EXPECT_NE(overview.find(name + "(1)"), std::string::npos) << overview;
        const std::string page = rendered_page("man1/" + name + ".1");
        EXPECT_EQ(portguard({"man", std::string(command->name)}).out.find(".\\\" Made by"), 0U);
        for (const tools::Parameter& parameter : command->own) {
            EXPECT_NE(page.find(tools::spelled(parameter.name)), std::string::npos) << page;
        }
    }
}

TEST_F(ManPage, OfTheFileNamesEveryOption) {
    const std::string page = rendered_page("man5/portguard.conf.5");
    for (const Option& option : option_table()) {
        EXPECT_NE(page.find(tools::spelled(option.name)), std::string::npos) << page;
    }
}

TEST_F(ManPage, IsPrintedByItsSubject) {
    EXPECT_NE(portguard({"man"}).out.find(".TH PORTGUARD 1 "), std::string::npos);
    EXPECT_NE(portguard({"man", "run"}).out.find(".TH PORTGUARD\\-RUN 1 "), std::string::npos);
    EXPECT_NE(portguard({"man", "options"}).out.find(".TH PORTGUARD.CONF 5 "), std::string::npos);
    EXPECT_TRUE(refused_with(portguard({"man", "rnu"}), 2, {"'rnu'", "options"}));
    EXPECT_TRUE(refused_with(portguard({"man", "--into=/proc"}), 1, {"/proc/man1", "cannot be written"}));
}

} // namespace
} // namespace portguard::test
