// A server that becomes a daemon: its stderr is then another file, and what went there would be lost without
// a word.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include <sys/socket.h>
#include <unistd.h>

#include "log_writer/standard_error.h"
#include "support/process.h"
#include "support/skip.h"
#include "support/sockets.h"
#include "support/system_log.h"
#include "support/temporary_folder.h"
#include "support/waiting.h"

namespace portguard::test {
namespace {

constexpr const char* nginx = "/usr/sbin/nginx";

class Daemon : public SystemLogTest {
protected:
    void configure(std::string_view listens) const {
        std::string text = "pid " + folder_.file("pid") + ";\nerror_log " + folder_.file("error.log") +
                           ";\nevents {}\nhttp {\n  access_log off;\n";
        for (const char* const kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
            text += "  " + std::string(kind) + "_temp_path " + folder_.file(kind) + ";\n";
        }
        std::ofstream(folder_.file("nginx.conf")) << text << "  server { " << listens << " }\n}\n";
    }
    /// In a session of its own: the process group of a program that has ended is killed, and until its own
    /// setsid(2) the daemon is in it.
    [[nodiscard]] Finished start() const {
        return run_process({.argv = {"/usr/bin/setsid", "--wait", nginx, "-c", folder_.file("nginx.conf")},
                            .environment = {std::string("LD_PRELOAD=") + PORTGUARD_SHIM}});
    }
    [[nodiscard]] pid_t pid() const {
        pid_t number = 0;
        std::ifstream(folder_.file("pid")) >> number;
        return number;
    }
    void TearDown() override {
        if (const pid_t number = pid(); number > 1) {
            ::kill(number, SIGQUIT);
            EXPECT_TRUE(eventually([&] { return ::kill(number, 0) != 0; }));
        }
    }
    static bool answers(std::uint16_t port) {
        const Fd client = tcp_socket();
        constexpr std::string_view request = "GET / HTTP/1.0\r\n\r\n";
        char byte = 0;
        return connect_to(client, loopback(port)) == success &&
               ::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL) > 0 &&
               ::recv(client.get(), &byte, 1, 0) == 1;
    }
    static bool names_port(const std::vector<std::string>& entries, std::string_view port) {
        return std::any_of(entries.begin(), entries.end(), [&](const std::string& entry) {
            return entry.find("EADDRINUSE") != std::string::npos && entry.find(port) != std::string::npos;
        });
    }

    TemporaryFolder folder_;
};

TEST_F(Daemon, nginx_that_is_told_to_listen_on_a_taken_port_leaves_the_event_in_the_system_s_log) {
    if (::access(nginx, X_OK) != 0) {
        PORTGUARD_SKIP("nginx is not installed");
    }
    log().start_journal();
    const Fd holder = listener(loopback(7099));
    configure("listen 127.0.0.1:7098;");
    const Finished started = start();
    ASSERT_TRUE(started.exited_with(0)) << started;
    ASSERT_TRUE(eventually([] { return answers(7098); })) << "a signal before its workers are there is lost";
    EXPECT_EQ(log().journal().size(), 0U) << "nothing has failed";
    configure("listen 127.0.0.1:7098; listen 127.0.0.1:7099;");
    ASSERT_EQ(::kill(pid(), SIGHUP), 0);
    std::vector<std::string> entries;
    EXPECT_TRUE(eventually([&] {
        std::vector<std::string> more = log().journal();
        entries.insert(entries.end(), more.begin(), more.end());
        return names_port(entries, "127.0.0.1:7099");
    }));
    ASSERT_FALSE(entries.empty());
    EXPECT_EQ(journal_field(entries[0], "MESSAGE"),
              "portguard: log=stderr is data, a network peer or not the file of the start; reported here");
}

} // namespace
} // namespace portguard::test
