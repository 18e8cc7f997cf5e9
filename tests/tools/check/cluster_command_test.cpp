// Ports of Kubernetes: what components that run were told.
#include <algorithm>

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "support/child.h"
#include "support/private_net.h"
#include "support/sockets.h"
#include "support/waiting.h"
#include "tools/support/port_command.h"
#include "tools/support/schema.h"

namespace portguard::test {
namespace {

using Json = nlohmann::json;

/// A program of that name, which stops as soon as it has started.
class Stopped {
public:
    Stopped(const TemporaryFolder& folder, const std::string& name, const Words& words)
        : process_({.argv = command_of(folder, name, words)}) {
        EXPECT_TRUE(eventually([this] { return process_.out() == "ready\n"; }));
    }
    [[nodiscard]] std::string pid() const { return std::to_string(process_.pid()); }

private:
    static Words command_of(const TemporaryFolder& folder, const std::string& name, Words words) {
        words.insert(words.begin(), folder.write(name, "#!/bin/sh\necho ready\nkill -STOP $$\n", 0755));
        return words;
    }

    Process process_;
};

class ClusterCommand : public PrivateNetTest {
protected:
    static Json cluster_port(const Json& answer, std::string_view name) {
        for (const Json& entry : answer["cluster"]) {
            if (entry["name"] == name) {
                return entry;
            }
        }
        return nullptr;
    }

    TemporaryFolder folder_;
};

TEST_F(ClusterCommand, ReadsTheArgumentsOfWhatRuns) {
    EXPECT_EQ(json_answer({"check"})["cluster"], Json::array());
    const Stopped server(folder_, "kube-apiserver", {"--service-node-port-range", "32000-34000"});
    const Stopped kubelet(folder_, "kubelet", {"--config=" + folder_.write("kubelet.yaml", "port: 41250\n")});
    const Json answer = json_answer({"check"}, 1);
    EXPECT_EQ(
        cluster_port(answer, "Kubernetes NodePort"),
        Json::parse(
            R"({"name": "Kubernetes NodePort", "ports": "32000-34000", "program": "kube-apiserver", "pid": )" +
            server.pid() + R"(, "source": "argument", "where": "--service-node-port-range"})"));
    EXPECT_EQ(answer["findings"][0]["processes"],
              Json::parse(R"([{"pid": )" + server.pid() + R"(, "comm": "kube-apiserver", "uid": 0}])"));
    EXPECT_EQ(cluster_port(answer, "kubelet")["ports"], "41250");
    EXPECT_EQ(cluster_port(answer, "kubelet")["source"], "file");
    EXPECT_EQ(cluster_port(answer, "kubelet's health")["source"], "default");
    const std::string text = portguard({"check"}).out;
    EXPECT_NE(text.find("NodePorts  32000-34000 (--service-node-port-range of kube-apiserver[" +
                        server.pid() + "])\n"),
              std::string::npos)
        << text;
}

TEST_F(ClusterCommand, ReadsTheFolderOfKubeletsFilesTheLastOfWhichCounts) {
    const std::string main = folder_.write("kubelet.json", R"({"port": 41250, "healthzPort": 41248})");
    const std::string last = folder_.write("config.d/20-b.conf", "port: 41252\n");
    const Stopped kubelet(folder_, "kubelet", {"--config=" + main, "--config-dir", folder_.file("config.d")});
    const Json answer = json_answer({"check"}, 1);
    EXPECT_EQ(cluster_port(answer, "kubelet")["ports"], "41252");
    EXPECT_EQ(cluster_port(answer, "kubelet")["where"], "port in " + last);
    EXPECT_EQ(cluster_port(answer, "kubelet's health")["where"], "healthzPort in " + main);
}

TEST_F(ClusterCommand, NamesADefaultAsSuch) {
    set_ephemeral_range(10000, 60999);
    const Stopped kubelet(folder_, "kubelet", {});
    const Json answer = json_answer({"check"}, 1);
    EXPECT_EQ(cluster_port(answer, "Kubernetes NodePort")["pid"], nullptr);
    const std::string text = portguard({"check"}).out;
    EXPECT_NE(text.find("NodePorts  30000-32767 (the default; kube-apiserver does not run here)\n"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("reserved_ports=10248,10250,10255,30000-32767\n"), std::string::npos) << text;
}

TEST_F(ClusterCommand, TheCommandThatItNamesKeepsConnectionsOffTheNodePorts) {
    set_ephemeral_range(30000, 40000);
    const Stopped server(folder_, "kube-apiserver", {"--service-node-port-range=30000-39990"});
    const Json answer = json_answer({"check"}, 1);
    const std::string fix = answer["findings"][0]["fix"].get<std::string>();
    ASSERT_TRUE(run_process({.argv = {"sh", "-c", fix}}).exited_with(0)) << fix;
    const Fd listening = listener(flagged(tcp_socket()), wildcard(8080));
    for (int count = 0; count < 5; ++count) {
        const Connection connection = connect_pair(listening);
        EXPECT_GT(local_port(connection.client), 39990);
    }
    json_answer({"check"});
}

TEST_F(ClusterCommand, ANodeInAContainerHasAClusterOfItsOwn) {
    const Stopped server(folder_, "kube-apiserver", {"--service-node-port-range=32000-34000"});
    const PrivateNet elsewhere;
    ASSERT_EQ(elsewhere.unavailable(), "");
    EXPECT_EQ(json_answer({"check"})["cluster"], Json::array());
    EXPECT_EQ(json_answer({"check", "--netns=" + server.pid()}, 1)["cluster"][0]["ports"], "32000-34000");
}

TEST_F(ClusterCommand, AFileThatIsNoFileOrLeadsOutOfTheContainerIsNotRead) {
    const std::string fifo = folder_.file("fifo");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0644), 0);
    for (const std::string& path :
         {fifo, folder_.file("absent"), std::string("/proc/self/environ"), std::string("kubelet.yaml")}) {
        const Stopped kubelet(folder_, "kubelet", {"--config=" + path});
        const Json answer = json_answer({"check"});
        EXPECT_EQ(cluster_port(answer, "kubelet")["source"], "default") << path;
    }
}

TEST_F(ClusterCommand, SaysWhereAFileCouldNotBeRead) {
    set_ephemeral_range(10000, 60999);
    const Stopped kubelet(folder_, "kubelet", {"--config=" + folder_.file("absent")});
    const Finished finished = portguard({"check"});
    EXPECT_NE(finished.out.find("the default; what kubelet[" + kubelet.pid()), std::string::npos) << finished;
}

TEST_F(ClusterCommand, SaysNothingOfAComponentWhoseNetworkItMayNotSee) {
    if (!can_become_another_user()) {
        PORTGUARD_SKIP("no other user here");
    }
    const Stopped server(folder_, "kube-apiserver", {"--service-node-port-range=32000-34000"});
    const Finished finished = portguard({"check", "--json"}, {.before_exec = [] { become_user(65534); }});
    const Json answer = Json::parse(finished.out);
    EXPECT_EQ(answer["cluster"], Json::array());
    const std::string clause =
        "the ports of kube-apiserver[" + server.pid() + "] (which network it is in only root may see)";
    EXPECT_EQ(std::count(answer["missing"].begin(), answer["missing"].end(), clause), 1) << answer["missing"];
}

} // namespace
} // namespace portguard::test
