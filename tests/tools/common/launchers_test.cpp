#include "tools/common/launchers.h"

#include <ostream>

#include <gtest/gtest.h>

#include "tools/common/shell_words.h"

namespace portguard::tools {
namespace {

struct Case {
    Words words;
    Words expected;
};

void PrintTo(const Case& given, std::ostream* stream) {
    *stream << testing::PrintToString(given.words);
}

class Launcher : public testing::TestWithParam<Case> {};

TEST_P(Launcher, StartsWhatFollowsItsOwnWords) {
    const Launch launch = launch_of(GetParam().words[0], GetParam().words);
    EXPECT_EQ(launch.words, GetParam().expected);
    EXPECT_FALSE(launch.drops_preload);
}

const Words program{"p", "-x", "--", "y"};

Case starts(Words words) {
    words.insert(words.end(), program.begin(), program.end());
    return {words, program};
}

INSTANTIATE_TEST_SUITE_P(OfCoreutils, Launcher,
                         testing::Values(starts({"nohup"}), starts({"nohup", "--"}), starts({"timeout", "5"}),
                                         starts({"timeout", "-k", "1", "-sKILL", "--foreground", "-v", "5"}),
                                         starts({"timeout", "--kill-after=1", "--sig", "KILL", "--", "5"}),
                                         starts({"nice"}), starts({"nice", "-n", "5"}),
                                         starts({"nice", "-n5"}), starts({"nice", "-5"}),
                                         starts({"nice", "--adjustment", "5"}),
                                         starts({"stdbuf", "-oL", "-e", "0"}),
                                         starts({"stdbuf", "--output=L", "--input", "0"})));

INSTANTIATE_TEST_SUITE_P(OfUtilLinux, Launcher,
                         testing::Values(starts({"setsid"}), starts({"setsid", "-fw"}),
                                         starts({"ionice", "-c", "2", "-n7", "-t"}),
                                         starts({"ionice", "--class", "idle"}), starts({"chrt", "-b", "0"}),
                                         starts({"chrt", "-d", "-T", "1", "--sched-period", "2", "0"}),
                                         starts({"taskset", "0x3"}), starts({"taskset", "-ac", "0,1"})));

INSTANTIATE_TEST_SUITE_P(
    Env, Launcher,
    testing::Values(starts({"env"}), starts({"env", "A=1", "B="}), starts({"env", "-u", "A", "-v"}),
                    starts({"env", "--unset=A", "--block-signal"}), starts({"env", "-C", "/", "--", "A=1"}),
                    Case{{"env", "-S", "p 'a b' \"c d\" e", "f"}, {"p", "a b", "c d", "e", "f"}},
                    Case{{"env", "-S p -x", "y"}, {"p", "-x", "y"}}, Case{{"env", "-vSA=1 p"}, {"p"}},
                    Case{{"env", "--split-string=-u B p"}, {"p"}},
                    Case{{"env", "-S", "-S 'p x'"}, {"p", "x"}}, Case{{"env", "-C", "/", "./p"}, {}},
                    Case{{"env", "-S", "${P} x"}, {}}));

INSTANTIATE_TEST_SUITE_P(Shell, Launcher,
                         testing::Values(Case{{"sh", "-c", "p -x 'a b'"}, {"p", "-x", "a b"}},
                                         Case{{"bash", "-euo", "pipefail", "-c", "exec p", "name"}, {"p"}},
                                         Case{{"dash", "-ec", "A=1 p"}, {"p"}},
                                         Case{{"bash", "--rcfile", "f", "-c", "p"}, {"p"}}));

INSTANTIATE_TEST_SUITE_P(
    NoProgram, Launcher,
    testing::Values(Case{{"timeout", "5"}, {}}, Case{{"timeout"}, {}}, Case{{"timeout", "-k"}, {}},
                    Case{{"chrt", "-p", "5", "77"}, {}}, Case{{"taskset", "-cp", "0", "77"}, {}},
                    Case{{"ionice", "-p", "77"}, {}}, Case{{"env"}, {}}, Case{{"env", "-i"}, {}},
                    Case{{"sh", "p"}, {}}, Case{{"sh", "-c"}, {}}, Case{{"sh", "-c", ""}, {}},
                    Case{{"sh", "-c", "exec"}, {}}, Case{{"sh", "-c", "LD_PRELOAD= kill 7"}, {}},
                    Case{{"su", "nobody"}, {}}, Case{{"p", "5", "q"}, {}}));

// What is not understood as a whole is not looked through.
TEST(Shell, LooksThroughASimpleCommandAlone) {
    for (const char* const text : {"p; q", "p | q", "p && q", "p >f", "$P", "`p`", "p &", "(p)", "p *",
                                   "p\nq", "~/p", "'p", "p \"$x\"", "p #x", "p\\ q", "! p", "{ p"}) {
        EXPECT_FALSE(words_of_simple_command(text)) << text;
    }
    EXPECT_EQ(words_of_simple_command(" p\t'$x;'\"y z\" ''"), (Words{"p", "$x;y z", ""}));
}

TEST(Launcher, TellsThePathInWhichItsProgramIsFound) {
    EXPECT_EQ(launch_of("env", {"env", "p"}).path, std::nullopt);
    EXPECT_EQ(launch_of("env", {"env", "PATH=/a:/b", "p"}).path, "/a:/b");
    EXPECT_EQ(launch_of("sh", {"sh", "-c", "PATH=/a p"}).path, "/a");
    EXPECT_EQ(launch_of("env", {"env", "-i", "p"}).path, "/bin:/usr/bin");
    EXPECT_EQ(launch_of("env", {"env", "-u", "PATH", "p"}).path, "/bin:/usr/bin");
}

TEST(Launcher, TellsThatItsProgramFindsNoPreload) {
    for (const Words& words :
         {Words{"env", "-i", "p"}, Words{"env", "-", "p"}, Words{"env", "-vi", "A=1", "p"},
          Words{"env", "--ignore-env", "p"}, Words{"env", "-u", "LD_PRELOAD", "p"},
          Words{"env", "-uLD_PRELOAD", "p"}, Words{"env", "LD_PRELOAD=libm.so.6", "p"},
          Words{"env", "-S", "-i p"}, Words{"sh", "-c", "LD_PRELOAD= p"}, Words{"sudo", "-E", "p"},
          Words{"doas", "p"}, Words{"pkexec", "p"}, Words{"su", "-", "nobody"},
          Words{"runuser", "-l", "nobody"}}) {
        EXPECT_TRUE(launch_of(words[0], words).drops_preload) << testing::PrintToString(words);
    }
    for (const Words& words : {Words{"env", "-i", "LD_PRELOAD=/lib/libportguard.so", "p"},
                               Words{"env", "-u", "A", "p"}, Words{"runuser", "-u", "nobody", "p"}}) {
        EXPECT_FALSE(launch_of(words[0], words).drops_preload) << testing::PrintToString(words);
    }
}

} // namespace
} // namespace portguard::tools
