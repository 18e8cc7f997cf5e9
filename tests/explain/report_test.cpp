// portguard-explain as the preloaded object uses it: descriptors in, a report and an exit status out.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "explain/explain_fixture.h"
#include "support/process.h"
#include "support/temporary_folder.h"

namespace portguard::test {
namespace {

class Report : public ExplainTest {
protected:
    std::string first_line() const { return written.substr(0, written.find('\n')); }

    std::string head = "portguard: victim[" + std::to_string(getpid()) + "]: bind tcp 127.0.0.1:10000: ";
};

std::string text_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

TEST_F(Report, NamesTheHolderOfAPortInUse) {
    const Fd server = listener(loopback(7000));
    Fd client = tcp_socket();
    ASSERT_EQ(bind_to(client, loopback(port)), success);
    const Connection connection = connect_pair(server, std::move(client));
    told(FailedCall(tcp_socket(), loopback(port)));
    EXPECT_EQ(first_line(), head + "in use (EADDRINUSE): held by portguard_expla[" +
                                std::to_string(getpid()) + "] 127.0.0.1:10000 → 127.0.0.1:7000 ESTABLISHED");
}

TEST_F(Report, CountsTheTimeWaitSocketsThatWereCuredAndNotTheSocketItself) {
    Fd server = listener(flagged(tcp_socket()), loopback(port));
    for (int round = 0; round < 3; ++round) {
        Connection connection = connect_pair(server);
        into_time_wait(std::move(connection.server), std::move(connection.client));
    }
    server.reset();
    const Fd socket = flagged(tcp_socket());
    ASSERT_EQ(bind_to(socket, loopback(port)), success);
    FailedCall report(socket, loopback(port));
    report.snapshot.kind = EventKind::cured;
    report.snapshot.error = 0;
    told(report);
    EXPECT_EQ(first_line(), head + "cured: was held by 3 TIME_WAIT sockets");
}

TEST_F(Report, ReadsTheAddressOfAListenFromTheSocket) {
    const Fd first = flagged(tcp_socket());
    const Fd second = flagged(tcp_socket());
    ASSERT_EQ(bind_to(first, loopback(port)), success);
    ASSERT_EQ(bind_to(second, loopback(port)), success);
    ASSERT_EQ(listen_on(first), success);
    ASSERT_EQ(listen_on(second), Outcome{EADDRINUSE});
    FailedCall report(second, loopback(port));
    report.snapshot.call = Call::listen;
    report.forget_address();
    told(report);
    EXPECT_NE(first_line().find("listen tcp 127.0.0.1:10000: in use (EADDRINUSE): held by portguard_expla["),
              std::string::npos)
        << written;
    EXPECT_NE(first_line().find("LISTEN"), std::string::npos) << written;
}

TEST_F(Report, TellsARefusalWithThePlan) {
    Text<100> why;
    ASSERT_TRUE(parse_port_set("5000-9999", config.listen, why));
    config.has_listen = true;
    const Fd socket = tcp_socket();
    FailedCall report(socket, loopback(port));
    report.snapshot.kind = EventKind::refused;
    report.snapshot.error = EACCES;
    told(report);
    EXPECT_EQ(first_line(), head + "refused (EACCES): outside listen=5000-9999");
}

TEST_F(Report, H31_AProgramNameCannotWriteLinesOfItsOwn) {
    const Fd socket = tcp_socket();
    FailedCall report(socket, loopback(port));
    std::strcpy(report.snapshot.program, "evil\n\x1b[31mportguard: all is well");
    told(report);
    EXPECT_EQ(written.find('\x1b'), std::string::npos);
    EXPECT_TRUE(first_line().starts_with("portguard: evil??[31mportguard: all is well[")) << written;
}

TEST_F(Report, SaysHowOftenAndWhatWasKeptBack) {
    const Fd socket = tcp_socket();
    FailedCall report(socket, loopback(port));
    report.snapshot.count = 7;
    report.snapshot.kept_back = 3;
    told(report);
    EXPECT_TRUE(first_line().ends_with("(7 times)")) << written;
    EXPECT_NE(written.find("3 other reports"), std::string::npos) << written;
}

TEST_F(Report, OfTheProgramAndNotOfWhoeverReports) {
    config.format = Format::json;
    const Fd socket = tcp_socket();
    told(FailedCall(socket, loopback(port)));
    EXPECT_NE(written.find("/portguard_explain_tests\",\"argv\":["), std::string::npos) << written;
    EXPECT_NE(written.find("\"pid\":" + std::to_string(getpid()) + ","), std::string::npos) << written;
    EXPECT_NE(written.find("\"missing\":[]"), std::string::npos) << written;
    EXPECT_EQ(written.find("portguard-explai"), std::string::npos) << written;
}

// What it inherits is open as long as it runs.
TEST_F(Report, IsNoHolderOfAPortThatTheProgramHasOpen) {
    const Fd server = listener(loopback(port));
    const Fd socket = tcp_socket();
    FailedCall report(socket, loopback(port));
    const int kept = server.get();
    report.before_exec = [kept] { fcntl(kept, F_SETFD, 0); };
    config.format = Format::json;
    told(report);
    const auto owners = nlohmann::json::parse(written)["holders"][0]["owners"];
    ASSERT_EQ(owners.size(), 1U) << written;
    EXPECT_EQ(owners[0]["pid"], getpid());
}

TEST_F(Report, GoesToTheLogAndTheRecordOfTheProgramsPid) {
    const TemporaryFolder folder;
    config.log.kind = LogKind::file;
    config.format = Format::text;
    std::strcpy(config.log.path, folder.file("log.%p").c_str());
    std::strcpy(config.record, folder.file("record.%p").c_str());
    const Fd socket = tcp_socket();
    EXPECT_EQ(told(FailedCall(socket, loopback(port))), "");
    const std::string pid = std::to_string(getpid());
    EXPECT_TRUE(text_of(folder.file("log." + pid)).starts_with(head));
    EXPECT_TRUE(text_of(folder.file("record." + pid)).starts_with("{\"schema\":"));
}

TEST_F(Report, IsCountedWhereItCouldNotBeWritten) {
    config.log.kind = LogKind::file;
    std::strcpy(config.log.path, "/nowhere/log");
    const Fd socket = tcp_socket();
    FailedCall report(socket, loopback(port));
    report.snapshot.config = config;
    ucontext_t context{};
    getcontext(&context);
    const Explanation explained = explain(report, context, helper);
    // On a machine with a journal or a syslog it goes there.
    EXPECT_TRUE(explained.status == (explained_mark | explained_told | explained_lost) ||
                explained.status == (explained_mark | explained_told))
        << explained.status;
}

TEST_F(Report, NeverGoesToAStandardErrorThatIsNotOurs) {
    const Fd socket = tcp_socket();
    FailedCall report(socket, loopback(port));
    report.snapshot.stderr_is_ours = false;
    ucontext_t context{};
    getcontext(&context);
    EXPECT_EQ(explain(report, context, helper).text, "");
}

TEST_F(Report, WithoutADescriptorToBeHadTheRestIsTold) {
#if PORTGUARD_SANITIZED
    GTEST_SKIP() << "UBSan asks for a descriptor of its own to look at an object";
#endif
    const Fd socket = tcp_socket();
    FailedCall report(socket, loopback(port));
    report.before_exec = [] {
        const rlimit none{0, 0};
        setrlimit(RLIMIT_NOFILE, &none);
    };
    config.format = Format::json;
    const std::string text = told(report);
    EXPECT_NE(text.find("\"unknown\""), std::string::npos) << text;
    EXPECT_NE(text.find("EMFILE"), std::string::npos) << text;
}

TEST_F(Report, UnderAMemoryLimitOf8MiB) {
#if PORTGUARD_SANITIZED
    GTEST_SKIP() << "a sanitizer's run-time needs terabytes of addresses";
#endif
    const Fd server = listener(loopback(port));
    const Fd socket = tcp_socket();
    FailedCall report(socket, loopback(port));
    report.before_exec = [] {
        const rlimit little{8 << 20, 8 << 20};
        setrlimit(RLIMIT_AS, &little);
    };
    EXPECT_NE(told(report).find("held by portguard_expla["), std::string::npos) << written;
}

TEST_F(Report, TheBudgetIsForEverythingAndWhatWasNotReachedIsSaid) {
    // More than a millisecond's work, which is the least that can be asked for.
    std::vector<Fd> servers;
    for (int last = 1; last <= 900; ++last) {
        const std::string host = "127.0." + std::to_string(last / 250) + "." + std::to_string(last % 250 + 1);
        servers.push_back(listener(address(host.c_str(), port)));
    }
    const Fd socket = tcp_socket();
    config.format = Format::json;
    config.limits.budget_ms = 1;
    const std::string text = told(FailedCall(socket, address("0.0.0.0", port)));
    EXPECT_NE(text.find("out of time"), std::string::npos) << text;
}

std::string names_of(const std::string& path) {
    std::string names;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
        names += entry.path().filename().string() + " ";
    }
    return names;
}

TEST_F(Report, ABrokenSnapshotIsRefusedAndNeverACrash) {
    const Fd socket = tcp_socket();
    FailedCall report(socket, loopback(port));
    config.limits.budget_ms = 50;
    report.snapshot.config = config;
    ucontext_t context{};
    getcontext(&context);
    const std::string whole = bytes_of(report, context);
    const TemporaryFolder folder;
    report.before_exec = [&folder] { chdir(folder.path().c_str()); };
    for (const std::size_t length : {std::size_t{0}, std::size_t{1}, sizeof(Snapshot) - 1}) {
        EXPECT_EQ(explain_bytes(whole.substr(0, length), report, helper).status, explained_mark) << length;
    }
    // Up to the configuration's texts, which may name any file.
    std::uint32_t random = 1;
    for (std::size_t at = 0; at < offsetof(Snapshot, config) + offsetof(Config, only); at += 3) {
        std::string broken = whole;
        for (int count = 0; count < 3; ++count) {
            random = random * 1664525 + 1013904223;
            broken[at + static_cast<std::size_t>(count)] = static_cast<char>(random >> 24);
        }
        const Explanation explained = explain_bytes(broken, report, helper);
        EXPECT_EQ(explained.status & explained_mark, explained_mark) << at << ": " << explained.status;
    }
    EXPECT_EQ(names_of(folder.path().string()), "");
}

TEST_F(Report, OfAFileForDevelopers) {
    const Fd socket = tcp_socket();
    FailedCall report(socket, loopback(port));
    ucontext_t context{};
    getcontext(&context);
    const TemporaryFolder folder;
    const std::string file = folder.write("snapshot", bytes_of(report, context));
    const Finished finished =
        run_process({.argv = {helper, file, "/proc/" + std::to_string(getpid()) + "/maps"}});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_TRUE(finished.out.starts_with(head)) << finished;
    EXPECT_NE(finished.out.find("  stack    portguard::test::"), std::string::npos) << finished;
    const Finished other = run_process({.argv = {helper, folder.write("other", "x")}});
    EXPECT_TRUE(other.exited_with(2)) << other;
    EXPECT_NE(other.err.find("not a snapshot"), std::string::npos) << other;
}

} // namespace
} // namespace portguard::test
