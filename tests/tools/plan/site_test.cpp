// A plan for a site: applied, verified and taken back.
#include <fstream>

#include "support/child.h"
#include "support/private_net.h"
#include "support/sockets.h"
#include "tools/support/command.h"
#include "tools/support/schema.h"

namespace portguard::test {
namespace {

using Json = nlohmann::json;

class PlanForASite : public PrivateNetTest {
protected:
    /// All of /proc/sys/net/ipv4 that a plan could touch, and what lies beside it.
    static std::string settings() {
        std::string text;
        for (const char* const name : {"ip_local_port_range", "ip_local_reserved_ports",
                                       "ip_unprivileged_port_start", "tcp_tw_reuse", "ip_autobind_reuse"}) {
            text += name + (" = " + get_sysctl(std::string("ipv4/") + name)) + "\n";
        }
        return text;
    }
    Finished plan(Words words) const {
        words.insert(words.begin(), "plan");
        words.push_back("--file=" + file_);
        return portguard(words);
    }
    std::string file_text() const {
        std::ifstream file(file_);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    TemporaryFolder folder_;
    std::string file_ = folder_.file("60-portguard.conf");
};

TEST_F(PlanForASite, IsAppliedReadBackAndTakenBackToWhatWasThere) {
    set_sysctl("ipv4/ip_local_port_range", "32768 60999");
    set_sysctl("ipv4/ip_local_reserved_ports", "50000,50002");
    const Fd server = listener(wildcard(40000));
    const std::string before = settings();
    const std::string list = folder_.write("list", "web 80\nbus 45000\nbad line\n");

    const Finished applied = plan({"--list=" + list, "--apply"});
    ASSERT_TRUE(applied.exited_with(0)) << applied;
    EXPECT_NE(applied.out.find("net.ipv4.ip_local_port_range: 32768 60999 -> 1024 39999\n"),
              std::string::npos)
        << applied;
    EXPECT_NE(applied.out.find("read back: the kernel has these values"), std::string::npos);
    EXPECT_NE(applied.err.find("list:3: 'bad'"), std::string::npos) << applied;
    EXPECT_EQ(get_sysctl("ipv4/ip_local_port_range"), "1024\t39999");
    EXPECT_EQ(get_sysctl("ipv4/ip_local_reserved_ports"), "50000,50002") << "those of others stay";

    const Json verified = json_answer({"plan", "--list=" + list}, 0);
    EXPECT_EQ(verified["in_force"], true) << verified;
    ASSERT_TRUE(run_process({.argv = {"/sbin/sysctl", "-p", file_}}).exited_with(0)) << file_text();
    EXPECT_EQ(get_sysctl("ipv4/ip_local_port_range"), "1024\t39999");

    const Finished reverted = plan({"--revert"});
    EXPECT_TRUE(reverted.exited_with(0)) << reverted;
    EXPECT_EQ(settings(), before);
    EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(PlanForASite, ReservesSinglePortsBesideThoseOfOthersAndTakesItsOwnBack) {
    set_sysctl("ipv4/ip_local_port_range", "32768 60999");
    for (const char* const reserved : {"", "50000"}) {
        set_sysctl("ipv4/ip_local_reserved_ports", std::string(reserved) + "\n");
        const std::string before = settings();
        const Finished applied = plan({"--listen=80,40000,45000-45002", "--reserve", "--apply"});
        ASSERT_TRUE(applied.exited_with(0)) << applied;
        const std::string others = *reserved == 0 ? "" : std::string(",") + reserved;
        EXPECT_EQ(get_sysctl("ipv4/ip_local_reserved_ports"), "40000,45000-45002" + others);
        EXPECT_EQ(get_sysctl("ipv4/ip_local_port_range"), "32768\t60999");
        EXPECT_TRUE(plan({"--revert"}).exited_with(0));
        EXPECT_EQ(settings(), before);
    }
}

TEST_F(PlanForASite, BringsBackWhatWasThereBeforeTheFirstOfSeveral) {
    const std::string before = settings();
    ASSERT_TRUE(plan({"--listen=5000-14999", "--apply"}).exited_with(0));
    ASSERT_TRUE(plan({"--listen=20000", "--reserve", "--apply"}).exited_with(0));
    EXPECT_EQ(get_sysctl("ipv4/ip_local_reserved_ports"), "20000");
    EXPECT_TRUE(plan({"--revert"}).exited_with(0));
    EXPECT_EQ(settings(), before);
}

/// Of --json.
Json change_of(const Finished& finished) {
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    Json answer = Json::parse(finished.out);
    EXPECT_EQ(violation(schema_of("plan-change"), answer, "plan"), "");
    return answer;
}

TEST_F(PlanForASite, ChangesNothingTheSecondTimeAndSaysSo) {
    const Words plan_words{"--declared", "--listen=5000-14999", "--ephemeral=15000-65000", "--json"};
    const auto applied = [&](const Words& more) {
        Words words = plan_words;
        words.insert(words.end(), more.begin(), more.end());
        return change_of(plan(words));
    };
    EXPECT_EQ(applied({"--apply"})["changed"], true);
    const std::string text = file_text();
    const auto written = std::filesystem::last_write_time(file_);
    const std::string in_force = settings();

    EXPECT_EQ(applied({"--apply", "--dry-run"})["changed"], false);
    EXPECT_EQ(applied({"--apply"})["changed"], false);
    EXPECT_EQ(std::filesystem::last_write_time(file_), written);
    EXPECT_EQ(file_text(), text);
    EXPECT_EQ(settings(), in_force);

    EXPECT_EQ(change_of(plan({"--revert", "--json"}))["changed"], true);
    EXPECT_EQ(change_of(plan({"--revert", "--json"}))["changed"], false);
    EXPECT_NE(plan({"--revert"}).out.find("nothing to revert"), std::string::npos);
}

TEST_F(PlanForASite, ASettingThatWasChangedSinceIsSetAgainAndStillRevertedToTheFirst) {
    const std::string before = settings();
    const Words words{"--listen=5000-14999", "--apply", "--json"};
    ASSERT_TRUE(plan(words).exited_with(0));
    set_sysctl("ipv4/ip_local_port_range", "20000 30001");
    EXPECT_EQ(change_of(plan(words))["changed"], true);
    EXPECT_TRUE(plan({"--revert"}).exited_with(0));
    EXPECT_EQ(settings(), before);
}

TEST_F(PlanForASite, ADryRunSaysWhatItWouldDoAndChangesNothing) {
    set_sysctl("ipv4/ip_local_port_range", "32768 60999");
    const std::string before = settings();
    Json told = change_of(plan({"--listen=5000-14999", "--apply", "--dry-run", "--json"}));
    EXPECT_EQ(told["changed"], true);
    EXPECT_EQ(settings(), before);
    EXPECT_FALSE(std::filesystem::exists(file_));

    Json done = change_of(plan({"--listen=5000-14999", "--apply", "--json"}));
    EXPECT_EQ(told["dry_run"], true);
    told["dry_run"] = false;
    EXPECT_EQ(told, done);

    const std::string in_force = settings();
    const Finished revert = plan({"--revert", "--dry-run"});
    EXPECT_NE(revert.out.find("nothing was changed; --revert would remove"), std::string::npos) << revert;
    EXPECT_EQ(settings(), in_force);
    EXPECT_TRUE(std::filesystem::exists(file_));
}

TEST_F(PlanForASite, IsTheSameWhoeverListensWhereOnlyTheDeclaredCounts) {
    const std::string list = folder_.write("list", "web 20000\n");
    const auto dry_run = [&] {
        return plan({"--declared", "--list=" + list, "--listen=5000-14999", "--apply", "--dry-run", "--json"})
            .out;
    };
    const std::string alone = dry_run();
    const Fd server = listener(wildcard(40000));
    EXPECT_EQ(dry_run(), alone);
    EXPECT_TRUE(refused_with(plan({"--declared", "--apply"}), 2, {"no port is declared", "--list"}));
}

TEST_F(PlanForASite, ReleasesWhatAnEarlierOneReservedAndTheNextLeavesOut) {
    set_sysctl("ipv4/ip_local_port_range", "32768 60999");
    for (const char* const of_others : {"", "50000"}) {
        set_sysctl("ipv4/ip_local_reserved_ports", std::string(of_others) + "\n");
        const std::string before = settings();
        ASSERT_TRUE(plan({"--listen=40000", "--reserve", "--apply"}).exited_with(0));
        ASSERT_TRUE(plan({"--listen=45000", "--reserve", "--apply"}).exited_with(0));
        EXPECT_EQ(get_sysctl("ipv4/ip_local_reserved_ports"),
                  std::string("45000") + (*of_others == 0 ? "" : ",50000"));
        ASSERT_TRUE(plan({"--listen=80", "--reserve", "--apply"}).exited_with(0));
        EXPECT_EQ(get_sysctl("ipv4/ip_local_reserved_ports"), of_others);
        EXPECT_EQ(file_text().find("\nnet.ipv4.ip_local_reserved_ports = \n"), std::string::npos);
        EXPECT_TRUE(plan({"--revert"}).exited_with(0));
        EXPECT_EQ(settings(), before);
    }
}

TEST_F(PlanForASite, IsRolledBackWhereTheKernelTakesOnlyAPartOfIt) {
    set_sysctl("ipv4/ip_unprivileged_port_start", "3000");
    const std::string before = settings();
    // The reservation is taken, the range below ip_unprivileged_port_start is not.
    const std::string list = folder_.write("list", "web 21000\n");
    const Words words{"--declared", "--list=" + list, "--ephemeral=2000-40001", "--least=30000", "--apply"};
    const Finished dry = plan(
        {"--declared", "--list=" + list, "--ephemeral=2000-40001", "--least=30000", "--apply", "--dry-run"});
    EXPECT_NE(dry.out.find("ip_local_reserved_ports: none -> 21000"), std::string::npos) << dry;
    EXPECT_TRUE(refused_with(plan(words), 1, {"Invalid argument", "nothing was changed"}));
    EXPECT_EQ(settings(), before);
    EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(PlanForASite, IsNotTakenBackOverWhatSomebodyHasSetSince) {
    ASSERT_TRUE(plan({"--listen=5000-14999", "--apply"}).exited_with(0));
    set_sysctl("ipv4/ip_local_port_range", "20000 30001");
    const Finished refused = plan({"--revert"});
    EXPECT_TRUE(refused_with(refused, 1, {"is 20000 30001 and not what was applied", "sysctl -w "}))
        << refused;
    EXPECT_EQ(get_sysctl("ipv4/ip_local_port_range"), "20000\t30001");
    EXPECT_TRUE(std::filesystem::exists(file_));
}

TEST_F(PlanForASite, LeavesAFileThatItHasNotMade) {
    static_cast<void>(folder_.write("60-portguard.conf", "net.ipv4.ip_forward = 1\n"));
    const std::string before = settings();
    EXPECT_TRUE(refused_with(plan({"--listen=80", "--apply"}), 2, {"--apply has not made it"}));
    EXPECT_TRUE(refused_with(plan({"--revert"}), 2, {"--apply has not made it"}));
    EXPECT_EQ(settings(), before);
    EXPECT_EQ(file_text(), "net.ipv4.ip_forward = 1\n");
}

TEST_F(PlanForASite, ChangesNothingWhereItMayNotOrCannot) {
    const std::string before = settings();
    const auto as_nobody = [this](Words words) {
        words.insert(words.begin(), "plan");
        words.push_back("--file=" + file_);
        return portguard(words, {.before_exec = [] { become_user(65534); }});
    };
    EXPECT_TRUE(refused_with(as_nobody({"--listen=5000-14999", "--apply"}), 2, {"works as root"}));
    std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
    EXPECT_TRUE(refused_with(as_nobody({"--listen=5000-14999", "--apply"}), 1, {"nothing was changed"}));
    EXPECT_TRUE(refused_with(plan({"--listen=1-65500", "--apply"}), 1, {"--least"}));
    EXPECT_TRUE(refused_with(plan({"--apply", "--revert"}), 2, {"--revert"}));
    EXPECT_TRUE(refused_with(plan({"--apply", "--to=env"}), 2, {"--to"}));
    EXPECT_TRUE(refused_with(plan({"--dry-run"}), 2, {"--apply or --revert"}));
    EXPECT_TRUE(refused_with(portguard({"plan", "--apply", "--netns=1"}), 2, {"--file"}));
    EXPECT_EQ(settings(), before);
    EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(PlanForASite, SaysHowItStandsToThePresentLoadAndWhatElseWouldDo) {
    set_sysctl("ipv4/ip_local_port_range", "32768 60999");
    const Fd server = listener(loopback(40000));
    std::vector<Connection> connections;
    for (int count = 0; count < 3; ++count) {
        connections.push_back(connect_pair(server));
    }
    const Finished told = portguard({"plan", "--listen=80,41000"});
    EXPECT_NE(told.out.find("load       3 outgoing connections now, 38976 ports proposed\n"),
              std::string::npos)
        << told;
    EXPECT_NE(told.out.find("or         keep 32768-60999 and reserve 40000,41000 in it: 28230 ports\n"),
              std::string::npos)
        << told;
    EXPECT_NE(told.out.find("\n  portguard plan --listen=80,41000 --reserve --apply\n"), std::string::npos)
        << told;
    const Finished whole =
        portguard({"plan", "--listen=80,41000", "--least=8"}, {.before_exec = [] { become_user(65534); }});
    EXPECT_NE(whole.out.find("\n  sudo portguard plan --listen=80,41000 --least=8 --apply\n"),
              std::string::npos)
        << whole;
    const Json answer = json_answer({"plan", "--listen=80,41000"}, 0);
    EXPECT_EQ(answer["connections"], 3);
    EXPECT_EQ(answer["alternative"]["ports"], 28230);
}

TEST_F(PlanForASite, FoldsItsListsOfPortsToTheWidthOfATerminal) {
    std::string ports = "2000";
    for (int port = 2002; port < 2600; port += 2) {
        ports += "," + std::to_string(port);
    }
    const Finished told = portguard({"plan", "--config", folder_.write("conf", "listen = " + ports + "\n")});
    std::istringstream lines(told.out);
    for (std::string line; std::getline(lines, line);) {
        EXPECT_TRUE(line.size() <= 80 || line.find("portguard plan ") != std::string::npos) << line;
    }
    EXPECT_NE(told.out.find("\n           2"), std::string::npos) << told;
}

TEST_F(PlanForASite, NeverWritesAnEmptyAssignment) {
    const Finished exported = portguard({"plan", "--to=sysctl", "--listen=80"});
    EXPECT_EQ(exported.out.find("reserved"), std::string::npos) << exported;
    set_sysctl("ipv4/ip_local_reserved_ports", "50000");
    EXPECT_EQ(portguard({"plan", "--to=sysctl", "--listen=80"}).out.find("reserved"), std::string::npos);
}

} // namespace
} // namespace portguard::test
