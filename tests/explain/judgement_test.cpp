// The pure parts of a judgement: values in, an answer out.
#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "explain/conflict.h"
#include "explain/manager.h"
#include "explain/same_program.h"
#include "explain/text_block.h"
#include "kernel/opener.h"
#include "kernel_look/holder_samples.h"
#include "support/process.h"

namespace portguard::test {
namespace {

TEST(Opener, TheSideThatSentTheFirstSynHasOneByteMoreAcknowledged) {
    EXPECT_EQ(opener_by({0, 1, 0, 0}), Opener::this_side);
    EXPECT_EQ(opener_by({0, 0, 0, 0}), Opener::peer);
    EXPECT_EQ(opener_by({0, 100001, 101000, 1000}), Opener::this_side);
    EXPECT_EQ(opener_by({0, 100000, 101000, 1000}), Opener::peer);
}

TEST(Opener, IsNotKnownWhereTheCountsDoNotTell) {
    EXPECT_EQ(opener_by({1, 1, 0, 0}), Opener::unknown) << "in flight";
    EXPECT_EQ(opener_by({0, 2, 0, 0}), Opener::unknown) << "a FIN";
    EXPECT_EQ(opener_by({0, 0, 0, 1}), Opener::unknown);
}

TEST(ManagerOf, APathOfACgroup) {
    const std::string id(64, 'a');
    using Kind = Manager::Kind;
    EXPECT_EQ(manager_in("/system.slice/nginx.service"), (Manager{Kind::unit, "nginx.service", 0}));
    EXPECT_EQ(manager_in("/user.slice/user-1000.slice/user@1000.service/app.slice/web.service"),
              (Manager{Kind::user_unit, "web.service", 1000}));
    EXPECT_EQ(manager_in("/system.slice/docker-" + id + ".scope"),
              (Manager{Kind::docker, "aaaaaaaaaaaa", 0}));
    EXPECT_EQ(manager_in("/docker/" + id), (Manager{Kind::docker, "aaaaaaaaaaaa", 0}));
    EXPECT_EQ(manager_in("/machine.slice/libpod-" + id + ".scope"),
              (Manager{Kind::podman, "aaaaaaaaaaaa", 0}));
    EXPECT_EQ(manager_in("/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + id + ".scope"),
              (Manager{Kind::cri, "aaaaaaaaaaaa", 0}));
    EXPECT_EQ(manager_in("/kubepods/burstable/pod1/" + id), (Manager{Kind::cri, "aaaaaaaaaaaa", 0}));
    EXPECT_EQ(manager_in("/lxc.payload.web/system.slice/nginx.service"), (Manager{Kind::lxc, "web", 0}));
    for (const char* none : {"/", "", "/user.slice/user-0.slice/session-3.scope", "/init.scope",
                             "/user.slice/user-1000.slice/user@1000.service/init.scope", "/docker/short"}) {
        EXPECT_EQ(manager_in(none), Manager{}) << none;
    }
}

TEST(ManagerOf, ItsCommandStopsIt) {
    EXPECT_EQ(stop_command({Manager::Kind::docker, "0123456789ab", 0}, 0), "docker stop 0123456789ab");
    EXPECT_EQ(stop_command({Manager::Kind::docker, "0123456789ab", 0}, 1000),
              "sudo docker stop 0123456789ab");
    EXPECT_EQ(stop_command({}, 0), "");
}

TEST(SameProgram, ComparesFilesAndForInterpretersTheScript) {
    const std::string nginx = "/usr/sbin/nginx";
    const std::string python = "/usr/bin/python3.11";
    const std::string unknown;
    using Arguments = std::vector<std::string>;
    const Arguments master{"nginx: master process /usr/sbin/nginx"};
    const Arguments started{"nginx", "-c", "x"};
    EXPECT_EQ(same_program({nginx, master}, {nginx, started}), nginx);
    EXPECT_EQ(same_program({nginx, master}, {python, started}), std::nullopt);
    EXPECT_EQ(same_program({unknown, master}, {unknown, master}), std::nullopt);
    const Arguments one{"python3", "app.py", "--port=1"};
    const Arguments two{"python3", "app.py", "--port=2"};
    const Arguments other{"python3", "other.py"};
    const Arguments module{"python3", "-m", "http.server", "8000"};
    const Arguments same_module{"python3", "-m", "http.server", "9000"};
    const Arguments option{"python3", "-W", "ignore", "app.py"};
    const Arguments other_option{"python3", "-W", "ignore", "other.py"};
    EXPECT_EQ(same_program({python, one}, {python, two}), python + " app.py");
    EXPECT_EQ(same_program({python, one}, {python, other}), std::nullopt);
    EXPECT_EQ(same_program({python, module}, {python, same_module}), python + " -m http.server");
    EXPECT_EQ(same_program({python, module}, {python, one}), std::nullopt);
    EXPECT_EQ(same_program({python, option}, {python, other_option}), std::nullopt);
}

TEST(TextBlock, ACommandThatIsBrokenIntoLinesCanBePasted) {
    std::string command = "printf %s, one";
    for (int count = 0; count < 20; ++count) {
        command += " \"two  words\" && printf %s, three";
    }
    TextBlock block("head", false);
    block.add_command("now", command);
    std::istringstream lines(block.text());
    std::string pasted;
    for (std::string line; std::getline(lines, line);) {
        EXPECT_LE(line.size(), TextBlock::columns) << line;
        pasted += line == "head" ? "" : line.substr(TextBlock::indent) + "\n";
    }
    EXPECT_GT(std::count(pasted.begin(), pasted.end(), '\n'), 3);
    const auto output_of = [](const std::string& text) {
        const Finished finished = run_process({.argv = {"sh", "-c", text}});
        return finished.exited_with(0) ? finished.out : "failed";
    };
    EXPECT_EQ(output_of(pasted), output_of(command));
}

AskedSocket asking(std::optional<bool> reuseaddr, std::optional<bool> reuseport) {
    AskedSocket socket;
    socket.uid = 1000;
    socket.reuseaddr = reuseaddr;
    socket.reuseport = reuseport;
    return socket;
}

Holder holding(SocketState state, std::optional<bool> reuseaddr, std::optional<bool> reuseport,
               uid_t uid = 1000) {
    Holder holder;
    holder.socket = held("0.0.0.0", state);
    holder.socket.uid = uid;
    holder.reuseaddr = reuseaddr;
    holder.reuseport = reuseport;
    return holder;
}

TEST(Conflict, IsTheKernelsRule) {
    const auto listens = SocketState::listen;
    const auto bound = SocketState::bound;
    EXPECT_EQ(conflicts(asking(true, false), holding(listens, true, false)), true);
    EXPECT_EQ(conflicts(asking(true, false), holding(bound, true, false)), false);
    EXPECT_EQ(conflicts(asking(false, true), holding(listens, false, true)), false);
    EXPECT_EQ(conflicts(asking(false, true), holding(listens, false, true, 33)), true);
    EXPECT_EQ(conflicts(asking(false, true), holding(SocketState::time_wait, {}, true, 33)), false);
}

TEST(Conflict, IsNotKnownWhereAFlagThatDecidesWasNotRead) {
    EXPECT_EQ(conflicts(asking(true, false), holding(SocketState::bound, {}, {})), std::nullopt);
    EXPECT_EQ(conflicts(asking(false, false), holding(SocketState::bound, {}, {})), true);
    EXPECT_EQ(conflicts(asking(false, true), holding(SocketState::listen, {}, {})), std::nullopt);
    EXPECT_EQ(conflicts(asking(false, true), holding(SocketState::listen, {}, {}, 33)), true);
}

} // namespace
} // namespace portguard::test
