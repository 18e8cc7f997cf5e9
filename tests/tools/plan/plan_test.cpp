// `portguard plan`: what it proposes, and that its forms are taken by those they are for.
#include "core/config.h"
#include "support/child.h"
#include "support/private_net.h"
#include "support/sockets.h"
#include "tools/support/command.h"
#include "tools/support/schema.h"

namespace portguard::test {
namespace {

using Json = nlohmann::json;

class PlanCommand : public PrivateNetTest {
protected:
    static Json plan(Words words, int exit_status = 0) {
        words.insert(words.begin(), "plan");
        return json_answer(words, exit_status);
    }

    static std::string exported(const std::string& form, const std::string& listen) {
        const Finished finished = portguard({"plan", "--to=" + form, "--listen=" + listen});
        EXPECT_TRUE(finished.exited_with(0)) << finished;
        return finished.out;
    }
};

TEST_F(PlanCommand, KeepsTheListenersOfNowOut) {
    const Fd server = listener(wildcard(40000));
    const Json answer = plan({});
    EXPECT_EQ(answer["split"]["listen"], "40000");
    EXPECT_EQ(answer["split"]["ephemeral"], "1024-39999");
}

TEST_F(PlanCommand, LeavesUdpInsideTheRangeToTheListAndSaysSo) {
    const Fd client = udp_socket();
    ASSERT_EQ(bind_to(client, wildcard(40000)), success);
    const Fd server = udp_socket();
    ASSERT_EQ(bind_to(server, wildcard(5353)), success);
    const Json answer = plan({});
    EXPECT_EQ(answer["split"]["listen"], "5353");
    EXPECT_NE(answer["missing"].dump().find("UDP on 40000"), std::string::npos) << answer;
}

TEST_F(PlanCommand, ReadsTheListFromAFileAndFromStandardInput) {
    const TemporaryFolder folder;
    const std::string file = folder.write("list", "web 80\nbus 16379 tcp\n");
    EXPECT_EQ(plan({"--list", file})["split"]["listen"], "80,16379");
    const Finished piped = run_process(
        {.argv = {"sh", "-c", std::string(PORTGUARD_COMMAND " plan --config=/dev/null --list=- <") + file}});
    EXPECT_NE(piped.out.find("standard input:2"), std::string::npos) << piped;
}

TEST_F(PlanCommand, ANameThatTakesAnothersPortIsAFinding) {
    const TemporaryFolder folder;
    const std::string file = folder.write("list", "web 80\napi 80\n");
    EXPECT_EQ(plan({"--list", file}, 1)["duplicates"].size(), 1U);
    EXPECT_TRUE(
        refused_with(portguard({"plan", "--to=env", "--list", file}), 1, {"web", "api", file + ":2"}));
}

TEST_F(PlanCommand, SaysWhatMakesItImpossible) {
    const Json answer = plan({"--listen=1-65500"}, 1);
    EXPECT_TRUE(answer["split"].is_null());
    EXPECT_NE(answer["obstacle"].dump().find("1024-65500"), std::string::npos) << answer;
    EXPECT_TRUE(
        refused_with(portguard({"plan", "--to=sysctl", "--listen=1-65500"}), 1, {"1024-65500", "--least"}));
}

TEST_F(PlanCommand, LooksInsideAGivenRangeAlone) {
    EXPECT_EQ(plan({"--ephemeral=20000-29999", "--listen=5000-14999"})["split"]["ephemeral"], "20000-29999");
}

TEST_F(PlanCommand, KeepsARangeThatWasGivenWithItsEndsAndSaysWhatTheKernelPrefers) {
    const Json answer = plan({"--ephemeral=15000-65000", "--listen=5000-14999"});
    EXPECT_EQ(answer["split"]["ephemeral"], "15000-65000");
    EXPECT_NE(answer["split"]["remark"].dump().find("different parity"), std::string::npos) << answer;
    const Finished told = portguard({"plan", "--ephemeral=15000-65000", "--listen=5000-14999"});
    EXPECT_NE(told.out.find("as it was given"), std::string::npos) << told;
}

TEST_F(PlanCommand, ItsSysctlFileIsTakenBySysctl) {
    set_sysctl("ipv4/ip_local_reserved_ports", "61000");
    const TemporaryFolder folder;
    const std::string file = folder.write("60-portguard.conf", exported("sysctl", "80,5000-14999"));
    const Finished taken = run_process({.argv = {"/sbin/sysctl", "-p", file}});
    ASSERT_TRUE(taken.exited_with(0)) << taken;
    EXPECT_EQ(taken.err, "");
    EXPECT_EQ(get_sysctl("ipv4/ip_local_port_range"), "15000\t60999");
    EXPECT_EQ(get_sysctl("ipv4/ip_local_reserved_ports"), "61000");
}

TEST_F(PlanCommand, ItsSysctlFileReservesWhatTheRangeGoesAround) {
    const TemporaryFolder folder;
    const Finished plan = portguard({"plan", "--to=sysctl", "--least=40000", "--listen=20000,40000,50000"});
    const std::string file = folder.write("60-portguard.conf", plan.out);
    ASSERT_TRUE(run_process({.argv = {"/sbin/sysctl", "-p", file}}).exited_with(0)) << plan;
    EXPECT_EQ(get_sysctl("ipv4/ip_local_port_range"), "1024\t65535");
    EXPECT_EQ(get_sysctl("ipv4/ip_local_reserved_ports"), "20000,40000,50000");
}

/// The verdict of systemd on a service with `drop_in`.
Finished verified(const std::string& drop_in) {
    const TemporaryFolder folder;
    const std::string unit =
        folder.write("portguard-test.service", "[Service]\nExecStart=/bin/true\n[Unit]\nDescription=test\n");
    static_cast<void>(folder.write("portguard-test.service.d/portguard.conf", drop_in));
    return run_process({.argv = {"systemd-analyze", "verify", "--man=no", unit}});
}

TEST_F(PlanCommand, ItsDropInIsTakenBySystemd) {
    const std::string drop_in = exported("systemd", "80,5000-14999");
    const Finished right = verified(drop_in);
    EXPECT_TRUE(right.exited_with(0)) << right;
    EXPECT_EQ(right.err.find("SocketBind"), std::string::npos) << right;
    const Finished wrong = verified(drop_in + "SocketBindAllow=tcp:70000\n");
    EXPECT_NE(wrong.err.find("SocketBindAllow"), std::string::npos) << wrong;
}

TEST_F(PlanCommand, ADropInThatSystemdWouldCutIsRefused) {
    std::string ports = "10";
    for (int port = 12; port < 600; port += 2) {
        ports += "," + std::to_string(port);
    }
    EXPECT_TRUE(
        refused_with(portguard({"plan", "--to=systemd", "--listen=" + ports}), 1, {"to=systemd", "128"}));
}

TEST_F(PlanCommand, ItsEnvironmentIsTakenByTheGuard) {
    const std::string text = exported("env", "80,5000-14999");
    const std::string listen = text.substr(0, text.find('\n'));
    const std::string ephemeral = text.substr(text.find('\n') + 1, text.rfind('\n') - text.find('\n') - 1);
    const Finished finished = portguard({"config"}, {.environment = {listen, ephemeral}});
    EXPECT_EQ(settings_in(finished.out)["listen"], (Setting{"80,5000-14999", "environment"})) << finished;
    EXPECT_EQ(settings_in(finished.out)["ephemeral"], (Setting{"15000-65535", "environment"})) << finished;
}

TEST_F(PlanCommand, ItsPodPatchSetsTheSysctls) {
    EXPECT_EQ(exported("kubernetes", "80,5000-14999"),
              "# made by `portguard plan`; for `kubectl patch --patch-file`, or as part of a pod\n"
              "spec:\n  securityContext:\n    sysctls:\n"
              "      - name: net.ipv4.ip_local_port_range\n        value: \"15000 65535\"\n");
}

TEST_F(PlanCommand, AnswersBadInputWithOneSentence) {
    const TemporaryFolder folder;
    const std::string bad_port = folder.write("list", "web 70000\n");
    EXPECT_TRUE(refused_with(portguard({"plan", "--list", bad_port}), 2, {bad_port + ":1", "'70000'"}));
    EXPECT_TRUE(refused_with(portguard({"plan", "--list=/nowhere"}), 2, {"list=/nowhere", "No such file"}));
    EXPECT_TRUE(refused_with(portguard({"plan", "--list=/etc"}), 2, {"list=/etc", "directory"}));
    EXPECT_TRUE(refused_with(portguard({"plan", "--to=nginx"}), 2, {"to=nginx", "sysctl"}));
    EXPECT_TRUE(refused_with(portguard({"plan", "--least=0"}), 2, {"least=0", "4096"}));
    EXPECT_TRUE(refused_with(portguard({"plan", "--least=abc"}), 2, {"least=abc", "4096"}));
    EXPECT_TRUE(refused_with(portguard({"plan", "--netns=no-such"}), 2, {"netns=no-such"}));
}

TEST_F(PlanCommand, AListThatMayNotBeReadIsRefused) {
    const TemporaryFolder folder;
    const std::string file = folder.write("list", "web 80\n", 0600);
    EXPECT_TRUE(refused_with(portguard({"plan", "--list", file}, {.before_exec = [] { become_user(65534); }}),
                             2, {file, "Permission denied"}));
}

} // namespace
} // namespace portguard::test
