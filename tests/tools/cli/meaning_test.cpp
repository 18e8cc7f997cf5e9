// An option that means nothing is refused, and one that was misspelled is named.
#include <algorithm>

#include "core/options.h"
#include "tools/cli/command.h"
#include "tools/cli/values.h"
#include "tools/support/port_command.h"
#include "tools/support/schema.h"

namespace portguard::test {
namespace {

/// Enough words for the command to be complete.
Words complete(const tools::Command& command) {
    Words words{std::string(command.name)};
    if (command.operand.least != 0) {
        words.emplace_back("1");
    }
    return words;
}

TEST(Meaning, AnOptionOfTheGuardIsRefusedWhereNoProgramIsGuarded) {
    for (const tools::Command* const command : tools::all_commands()) {
        const std::vector<tools::Parameter> own = tools::parameters_of(*command);
        for (const Option& option : option_table()) {
            const bool is_taken = std::any_of(own.begin(), own.end(), [&](const tools::Parameter& parameter) {
                return parameter.name == option.name || (option.name == "format" && parameter.name == "json");
            });
            if (is_taken) {
                continue;
            }
            Words words = complete(*command);
            const std::string spelled = tools::spelled(option.name);
            words.push_back(spelled + "=x");
            EXPECT_TRUE(refused_with(portguard(words), 2, {"'" + spelled + "=x'", "no such option"}));
        }
    }
}

TEST(Meaning, OnlyCommandsThatUseThePlanTakeIt) {
    for (const char* const name : {"rescue", "events", "help", "man", "completion"}) {
        EXPECT_TRUE(refused_with(portguard({name, "--listen=80"}), 2, {"--listen=80"}));
        EXPECT_TRUE(refused_with(portguard({name, "--config=/dev/null"}), 2, {"--config"}));
    }
}

using Refused = std::pair<Words, Words>;

class TwoOptions : public testing::TestWithParam<Refused> {};

TEST_P(TwoOptions, OfWhichOneMeansNothingAreRefused) {
    EXPECT_TRUE(refused_with(portguard(GetParam().first), 2, GetParam().second));
}

INSTANTIATE_TEST_SUITE_P(
    Pairs, TwoOptions,
    testing::Values(Refused{{"plan", "--to=env", "--json"}, {"--to", "beside --json"}},
                    Refused{{"plan", "--to=env", "--format=json"}, {"--to", "beside --json"}},
                    Refused{{"map", "--wide", "--json"}, {"--wide", "beside --json"}},
                    Refused{{"who", "--udp", "--with-reuseaddr", "80"}, {"--udp", "--with-reuseaddr"}},
                    Refused{{"config", "--markdown", "--json"}, {"--markdown"}},
                    Refused{{"hold", "--flagged", "80"}, {"--flagged", "without --state"}},
                    Refused{{"hold", "--mode=observe", "80"}, {"--mode", "without PROGRAM"}},
                    Refused{{"hold", "--anyway", "80"}, {"--anyway", "without PROGRAM"}},
                    Refused{{"hold", "--state=bound", "--listen=80", "80"}, {"--listen", "beside --state"}},
                    Refused{{"events", "--json", "--github", "-"}, {"--github", "beside --json"}},
                    Refused{{"events", "--json", "--html=-", "-"}, {"--json", "standard output"}},
                    Refused{{"repro", "--probe", "-", "--", "true"}, {"--probe", "beside PROGRAM"}},
                    Refused{{"repro", "--probe", "--for=1s", "-"}, {"--probe", "beside --for"}},
                    Refused{{"man", "--into=/nowhere", "run"}, {"--into", "'run'"}}));

class Misspelled : public testing::TestWithParam<Refused> {};

TEST_P(Misspelled, IsNamed) {
    EXPECT_TRUE(refused_with(portguard(GetParam().first), 2, GetParam().second));
}

INSTANTIATE_TEST_SUITE_P(
    Words, Misspelled,
    testing::Values(Refused{{"chekc"}, {"'chekc'", "did you mean check?"}},
                    Refused{{"help", "rnu"}, {"'rnu'", "did you mean run?"}},
                    Refused{{"run", "--lisen=80", "true"}, {"did you mean --listen?"}},
                    Refused{{"run", "--deny_erno=EACCES", "true"}, {"did you mean --deny-errno?"}},
                    Refused{{"who", "--fromat=json", "80"}, {"did you mean --format?"}},
                    Refused{{"who", "--format=jsno", "80"}, {"expected text or json", "did you mean json?"}},
                    Refused{{"plan", "--to=sysctrl"}, {"did you mean sysctl?"}},
                    Refused{{"check", "--fail-on=warn"}, {"did you mean warning?"}},
                    Refused{{"run", "--mode=obsrve", "true"}, {"mode=obsrve", "did you mean observe?"}},
                    Refused{{"run", "--deny-errno=eacces", "true"}, {"did you mean EACCES?"}},
                    Refused{{"hold", "--state=timewait", "80"}, {"did you mean time-wait?"}},
                    Refused{{"events", "--event=refuse", "-"}, {"did you mean refused?"}},
                    Refused{{"repro", "--with-fix=split,wiat", "-"}, {"did you mean wait?"}}));

TEST(Misspelled, WhatNothingIsNearToHasNoSuggestion) {
    for (const Words& words :
         {Words{"xyzzy"}, Words{"run", "--xyzzy", "true"}, Words{"plan", "--to=xyzzy"}}) {
        const Finished finished = portguard(words);
        EXPECT_TRUE(refused_with(finished, 2, {"xyzzy"}));
        EXPECT_EQ(finished.err.find("did you mean"), std::string::npos) << finished;
    }
}

TEST(Misspelled, ItsNearestIsFoundByLettersMovedMissingOrTooMany) {
    const std::vector<std::string_view> known{"run", "rescue", "repro", "check"};
    EXPECT_EQ(tools::nearest("rnu", known), "run");
    EXPECT_EQ(tools::nearest("resuce", known), "rescue");
    EXPECT_EQ(tools::nearest("chck", known), "check");
    EXPECT_EQ(tools::nearest("CHECK", known), "check");
    EXPECT_EQ(tools::nearest("", known), "");
    EXPECT_EQ(tools::nearest("map", known), "");
    EXPECT_EQ(tools::nearest(std::string(1000, 'r'), known), "");
}

using Letters = PortCommand;

TEST_F(Letters, StandForTheirOptions) {
    const std::string json = portguard({"who", "--json", "10000"}).out;
    EXPECT_EQ(portguard({"who", "-j", "10000"}).out, json);
    const Fd server = listener(loopback(contested));
    for (const Words& words : {Words{"who", "-w1ms", "10000"}, Words{"who", "-w", "1ms", "10000"},
                               Words{"who", "-jw1ms", "10000"}, Words{"who", "10000", "-w=1ms"}}) {
        EXPECT_TRUE(portguard(words).exited_with(1)) << portguard(words);
    }
    EXPECT_TRUE(refused_with(portguard({"who", "-jx", "10000"}), 2, {"'-jx'"}));
    EXPECT_TRUE(refused_with(portguard({"who", "10000", "-w"}), 2, {"--wait has no value"}));
}

using JsonFormat = PortCommand;

TEST_F(JsonFormat, IsTheSameAsJson) {
    const Fd server = listener(loopback(contested));
    for (const Words& words :
         {Words{"who", "10000"}, Words{"map"}, Words{"plan"}, Words{"rescue", "--dry-run", "10000"}}) {
        Words by_name = words;
        by_name.emplace_back("--json");
        Words by_format = words;
        by_format.emplace_back("--format=json");
        const Finished json = portguard(by_name);
        EXPECT_TRUE(json.out.starts_with("{")) << json;
        EXPECT_EQ(portguard(by_format).out, json.out);
        by_name.emplace_back("--format=text");
        EXPECT_EQ(portguard(by_name).out, portguard(words).out) << "the last one wins";
    }
}

TEST(Meaning, JsonOfConfigHasEveryOptionAndItsPlace) {
    EXPECT_EQ(json_answer({"config", "--json"})["options"].size(), option_table().size());
    const auto format = json_answer({"config", "--format=json"})["options"]["format"];
    EXPECT_EQ(format["value"], "json");
    EXPECT_EQ(format["from"], "command line");
    const TemporaryFolder folder;
    const std::string file = folder.write("own.conf", "\nlisten = 80\n");
    const auto listen = json_answer({"config", "--json", "--config", file})["options"]["listen"];
    EXPECT_EQ(listen["file"], file);
    EXPECT_EQ(listen["line"], 2);
}

class WrongConfiguration : public PortCommand {
protected:
    static Words looks_of(const std::string& name) {
        return name == "who" ? Words{"who", "10000"} : Words{name};
    }
};

TEST_F(WrongConfiguration, IsSaidAndWhoMapAndCheckAnswer) {
    const TemporaryFolder folder;
    const std::string file =
        folder.write("own.conf", "# mine\nlisten = http\nmode = on\nephemeral = 40000-50000\n");
    const std::vector<std::pair<Words, Words>> mistakes{
        {{"PORTGUARD_LISTEN=http", "PORTGUARD_LISEN=80"},
         {"listen=http (environment)", "PORTGUARD_LISEN=80"}},
        {{"PORTGUARD_CONFIG=/nowhere"}, {"config=/nowhere (environment): there is no such file"}},
        {{"PORTGUARD_CONFIG=" + file}, {file + ":2", file + ":3"}},
        {{"PORTGUARD_LISTEN=5000-15000", "PORTGUARD_EPHEMERAL=15000-65000"}, {"meet at port 15000"}}};
    for (const std::string name : {"who", "map", "check"}) {
        for (const auto& [environment, parts] : mistakes) {
            const Finished finished = portguard(looks_of(name), {.environment = environment});
            EXPECT_TRUE(finished.exited_with(0)) << finished;
            EXPECT_NE(finished.out, "");
            for (const std::string& part : parts) {
                EXPECT_NE(finished.err.find(part), std::string::npos) << finished;
            }
            EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), parts.size()) << finished;
        }
    }
}

TEST_F(WrongConfiguration, LeavesTheRestOfIt) {
    const TemporaryFolder folder;
    const std::string file = folder.write("own.conf", "listen = http\nephemeral = 40000-50000\n");
    const auto answer =
        json_of(portguard({"check", "--json"}, {.environment = {"PORTGUARD_CONFIG=" + file}}));
    EXPECT_EQ(answer["plan"]["ephemeral"], "40000-50000") << answer;
}

TEST_F(WrongConfiguration, OnTheCommandLineIsRefused) {
    for (const std::string name : {"who", "map", "check"}) {
        Words words = looks_of(name);
        words.emplace_back("--listen=http");
        EXPECT_TRUE(refused_with(portguard(words), 2, {"listen=http (command line)"}));
    }
}

using FailOn = PortCommand;

TEST_F(FailOn, DecidesTheExitStatusOfCheck) {
    const auto fails_on = [](const std::string& word) {
        const Finished finished = portguard({"check", "--fail-on=" + word});
        EXPECT_EQ(finished.err, "");
        EXPECT_TRUE(finished.exited_with(0) || finished.exited_with(1)) << finished;
        return finished.exited_with(1);
    };
    const Fd noted = udp_socket();
    ASSERT_EQ(bind_to(noted, wildcard(40001)), success);
    EXPECT_TRUE(fails_on("note"));
    EXPECT_FALSE(fails_on("warning"));
    const Fd warned_of = listener(wildcard(8080));
    EXPECT_TRUE(fails_on("warning"));
    EXPECT_FALSE(fails_on("error"));
    const Fd wrong = listener(wildcard(40000));
    EXPECT_TRUE(fails_on("error"));
    EXPECT_FALSE(fails_on("never"));
}

} // namespace
} // namespace portguard::test
