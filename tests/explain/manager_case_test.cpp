// Holders that something starts again: process 1 and its units, containers, supervisors. What ends them for
// good is advised, and never what would end more than them.
#include <fstream>
#include <string>

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "explain/cause_fixture.h"
#include "support/skip.h"

namespace portguard::test {
namespace {

constexpr const char* no_namespaces = "none";

void write_file(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
}

/// A /run of its own, in which systemd runs.
bool play_systemd() {
    return mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           mount("tmpfs", "/run", "tmpfs", 0, nullptr) == 0 && mkdir("/run/systemd", 0755) == 0 &&
           mkdir("/run/systemd/system", 0755) == 0;
}

/// What `body` returns in a mount namespace with systemd, and `is_first`: as process 1.
std::string beside_systemd(bool is_first, const std::function<std::string()>& body) {
    return in_child([&]() -> std::string {
        if (unshare(CLONE_NEWNS | (is_first ? CLONE_NEWPID : 0)) != 0) {
            return no_namespaces;
        }
        return in_child([&]() -> std::string {
            const bool has_proc = !is_first || mount("proc", "/proc", "proc", 0, nullptr) == 0;
            return play_systemd() && has_proc ? body() : no_namespaces;
        });
    });
}

/// `pid` is in that cgroup.
bool put_into(pid_t pid, const std::string& cgroup) {
    write_file("/run/cgroup", "0::" + cgroup + "\n");
    return mount("/run/cgroup", ("/proc/" + std::to_string(pid) + "/cgroup").c_str(), nullptr, MS_BIND,
                 nullptr) == 0;
}

class ManagedHolder : public CauseTest {
protected:
    static constexpr const char* listens = "l=socket();l.bind(('127.0.0.1',10000));l.listen()";

    /// The commands, a line each, behind the cause's name.
    std::string cures() {
        std::string text = cause_for(loopback(port)) + "\n";
        for (const auto& cure : event["cures"]) {
            text += cure["command"].get<std::string>() + "\n";
        }
        return text;
    }
    std::string cures_where_holder_is_in(const std::string& cgroup, const std::string& asker = "") {
        return beside_systemd(false, [&]() -> std::string {
            const OtherProgram server(listens);
            const bool is_put =
                put_into(server.pid(), cgroup) && (asker.empty() || put_into(getpid(), asker));
            return is_put ? cures() : no_namespaces;
        });
    }
};

#define SKIP_WITHOUT_NAMESPACES(text)                                                                        \
    if ((text) == no_namespaces) {                                                                           \
        PORTGUARD_SKIP("no mount or pid namespace to be had");                                               \
    }

TEST_F(ManagedHolder, ProcessOneIsNeverKilledAndItsSocketUnitIsStopped) {
    const std::string text = beside_systemd(true, [this] {
        write_file("/run/systemd/system/web.socket", "[Socket]\nListenStream=127.0.0.1:10000\n");
        write_file("/run/systemd/system/other.socket", "[Socket]\nListenStream=100001\nListenStream=1000\n");
        Fd server = listener(loopback(port));
        return in_child([&] {
            server.reset();
            return cures();
        });
    });
    SKIP_WITHOUT_NAMESPACES(text);
    EXPECT_NE(text.find("\nsystemctl stop web.socket\n"), std::string::npos) << text;
    EXPECT_EQ(text.find("other.socket"), std::string::npos) << text;
    EXPECT_EQ(text.find("kill"), std::string::npos) << text;
}

TEST_F(ManagedHolder, ProcessOneWithoutSuchAUnitHasNoCommandThatEndsIt) {
    const std::string text = beside_systemd(true, [this] {
        Fd server = listener(loopback(port));
        return in_child([&] {
            server.reset();
            return cures();
        });
    });
    SKIP_WITHOUT_NAMESPACES(text);
    EXPECT_EQ(text.find("kill"), std::string::npos) << text;
    EXPECT_EQ(text.find("systemctl"), std::string::npos) << text;
    EXPECT_NE(text.find("stop what made process 1 listen"), std::string::npos) << text;
}

TEST_F(ManagedHolder, AUnitIsStoppedAndNotItsProcessKilled) {
    const std::string text = cures_where_holder_is_in("/system.slice/web.service");
    SKIP_WITHOUT_NAMESPACES(text);
    EXPECT_NE(text.find("\nsystemctl stop web.service\n"), std::string::npos) << text;
    EXPECT_EQ(text.find("kill"), std::string::npos) << text;
}

TEST_F(ManagedHolder, TheAskersOwnUnitIsNotStopped) {
    const std::string text =
        cures_where_holder_is_in("/system.slice/web.service", "/system.slice/web.service");
    SKIP_WITHOUT_NAMESPACES(text);
    EXPECT_EQ(text.find("systemctl"), std::string::npos) << text;
    EXPECT_NE(text.find("\nkill "), std::string::npos) << text;
}

TEST_F(ManagedHolder, WhatCronOrAnSshSessionStartedIsKilledAndNotCronOrSshdStopped) {
    for (const std::string unit : {"cron", "ssh", "jenkins", "docker"}) {
        const std::string text = cures_where_holder_is_in("/system.slice/" + unit + ".service");
        SKIP_WITHOUT_NAMESPACES(text);
        EXPECT_EQ(text.find("systemctl"), std::string::npos) << text;
        EXPECT_NE(text.find("\nkill "), std::string::npos) << text;
    }
}

TEST_F(ManagedHolder, AContainerIsStopped) {
    const std::string text =
        cures_where_holder_is_in("/system.slice/docker-" + std::string(64, 'a') + ".scope");
    SKIP_WITHOUT_NAMESPACES(text);
    EXPECT_NE(text.find("\ndocker stop aaaaaaaaaaaa\n"), std::string::npos) << text;
}

TEST_F(ManagedHolder, OfDockersProxyTheContainerIsStopped) {
    const OtherProgram server("if os.environ.get('X')!='1':\n"
                              " os.environ['X']='1'\n"
                              " os.execv('/usr/bin/python3',['docker-proxy','-c',open('/proc/self/"
                              "cmdline').read().split('\\0')[2]])\n" +
                              std::string(listens));
    const std::string text = cures();
    EXPECT_NE(text.find("\ndocker stop $(docker ps -q --filter publish=10000)\n"), std::string::npos) << text;
    EXPECT_EQ(text.find("kill"), std::string::npos) << text;
}

/// A supervisor by its name, with a child that has its variables, listens, and ends with it
/// (PR_SET_PDEATHSIG).
std::string supervisor(const std::string& comm, const std::string& variables) {
    return "import ctypes\n"
           "ctypes.CDLL(None).prctl(15,b'" +
           comm +
           "',0,0,0)\n"
           "r,w=os.pipe();os.set_inheritable(w,True)\n"
           "if os.fork()==0: os.execve('/usr/bin/python3',['python3','-c',"
           "'import "
           "ctypes,socket,time,os;ctypes.CDLL(None).prctl(1,9);l=socket.socket();l.bind((\"127.0.0.1\",10000)"
           ");l.listen();os.write(%d,b\"x\");"
           "time.sleep(600)'%w],{" +
           variables + "})\nos.read(r,1)";
}

TEST_F(ManagedHolder, ASupervisorIsAskedToStopIt) {
    const OtherProgram other(
        supervisor("supervisord", "'SUPERVISOR_PROCESS_NAME':'web_00','SUPERVISOR_GROUP_NAME':'web'"));
    const std::string text = cures();
    EXPECT_NE(text.find("\nsupervisorctl stop web:web_00\n"), std::string::npos) << text;
    EXPECT_EQ(text.find("kill"), std::string::npos) << text;
}

TEST_F(ManagedHolder, Pm2IsAskedToStopIt) {
    const OtherProgram other(supervisor("PM2 v5.3.0: God", "'pm_id':'3'"));
    const std::string text = cures();
    EXPECT_NE(text.find("\npm2 stop 3\n"), std::string::npos) << text;
}

TEST_F(ManagedHolder, VariablesOfASupervisorThatIsGoneAreNotBelieved) {
    const OtherProgram other(supervisor("bash", "'SUPERVISOR_PROCESS_NAME':'web','pm_id':'3'"));
    const std::string text = cures();
    EXPECT_NE(text.find("\nkill "), std::string::npos) << text;
}

TEST_F(ManagedHolder, ANameThatTheShellWouldReadOtherwiseIsNotPutIntoACommand) {
    const OtherProgram other(supervisor("supervisord", "'SUPERVISOR_PROCESS_NAME':'web;reboot'"));
    const std::string text = cures();
    EXPECT_EQ(text.find("reboot"), std::string::npos) << text;
    EXPECT_NE(text.find("\nkill "), std::string::npos) << text;
}

} // namespace
} // namespace portguard::test
