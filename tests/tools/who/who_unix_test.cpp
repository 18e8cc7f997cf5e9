// `portguard who PATH`: the name of a unix socket.
#include <filesystem>

#include <sys/un.h>

#include "support/temporary_folder.h"
#include "tools/support/port_command.h"
#include "tools/support/schema.h"

namespace portguard::test {
namespace {

class WhoUnix : public PortCommand {
protected:
    /// A process of another program that listens on `name`, and waits.
    static ProcessSpec server(const std::string& name) {
        return {.argv = {"/usr/bin/python3", "-c",
                         "import socket, time\n"
                         "s = socket.socket(socket.AF_UNIX)\n"
                         "s.bind('" +
                             name + "')\ns.listen()\nprint('ready', flush=True)\ntime.sleep(60)\n"}};
    }
    static nlohmann::json answer_of(const std::string& word, int exit_status) {
        const Finished finished = portguard({"who", "--json", word});
        EXPECT_TRUE(finished.exited_with(exit_status)) << finished;
        nlohmann::json answer = json_of(finished);
        EXPECT_EQ(violation(schema_of("who"), answer), "") << answer;
        return answer;
    }

    TemporaryFolder folder;
    std::string path = folder.file("s");
};

TEST_F(WhoUnix, NamesTheProcessThatListens) {
    Process process(server(path));
    ASSERT_TRUE(eventually([&] { return process.out().starts_with("ready"); }));
    const auto answer = answer_of(path, 1);
    EXPECT_EQ(answer["cause"], "unix_listener");
    EXPECT_EQ(answer["plain_bind"], "EADDRINUSE");
    EXPECT_EQ(answer["holders"][0]["local"]["address"], path);
    EXPECT_EQ(answer["holders"][0]["owners"][0]["pid"], process.pid());
    const Finished told = portguard({"who", path});
    EXPECT_NE(told.out.find("listens on " + path), std::string::npos) << told;
}

TEST_F(WhoUnix, OfAStaleFileGivesTheCommandThatFreesIt) {
    {
        Process process(server(path));
        ASSERT_TRUE(eventually([&] { return process.out().starts_with("ready"); }));
    }
    const auto answer = answer_of(path, 1);
    EXPECT_EQ(answer["cause"], "unix_stale");
    ASSERT_EQ(answer["cures"].size(), 1U) << answer;
    EXPECT_TRUE(run_process({.argv = {"sh", "-c", answer["cures"][0]["command"]}}).exited_with(0));
    EXPECT_EQ(answer_of(path, 0)["held"], false);
}

TEST_F(WhoUnix, OfAnAbstractNameNamesTheProcess) {
    Process process(server("\\0portguard-who-test"));
    ASSERT_TRUE(eventually([&] { return process.out().starts_with("ready"); }));
    const auto answer = answer_of("@portguard-who-test", 1);
    EXPECT_EQ(answer["cause"], "unix_listener");
    EXPECT_EQ(answer["holders"][0]["local"]["address"], "@portguard-who-test");
}

TEST_F(WhoUnix, OfAFileThatIsNoSocketGivesNoCommand) {
    const auto answer = answer_of(folder.write("file", "data"), 1);
    EXPECT_EQ(answer["cause"], "unix_not_a_socket");
    EXPECT_TRUE(answer["cures"].empty());
}

TEST_F(WhoUnix, OfAFileThatMayNotBeWrittenSaysWhatIsNotKnown) {
    {
        Process process(server(path));
        ASSERT_TRUE(eventually([&] { return process.out().starts_with("ready"); }));
    }
    const Finished finished = portguard({"who", "--json", path}, {.before_exec = [] { become_user(65534); }});
    const nlohmann::json answer = json_of(finished);
    EXPECT_EQ(answer["cause"], "unknown") << finished;
    EXPECT_NE(finished.out.find("or one of another network namespace has bound it"), std::string::npos);
    EXPECT_NE(finished.out.find("(connect: EACCES)"), std::string::npos) << finished;
}

TEST_F(WhoUnix, RefusesWhatIsAboutPorts) {
    EXPECT_TRUE(refused_with(portguard({"who", "--udp", path}), 2, {"unix socket", "--udp"}));
}

} // namespace
} // namespace portguard::test
