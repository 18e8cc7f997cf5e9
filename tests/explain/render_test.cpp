// What a report looks like: as a person and as a program gets it.
#include <csignal>
#include <cstdio>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <sys/prctl.h>
#include <sys/wait.h>

#include "core/event_json.h"
#include "explain/explain_fixture.h"
#include "explain/text_block.h"
#include "support/child.h"
#include "support/skip.h"

namespace portguard::test {
namespace {

class Rendered : public ExplainTest {
protected:
    /// Many holders of each kind, one with a name that no terminal should see.
    void crowd_the_port() {
        child_ = std::make_unique<ParkedChild>([] {
            prctl(PR_SET_NAME, "e\x1b[31m\n\xff");
            static Fd kept = listener(flagged(tcp_socket()), loopback(port));
            static std::vector<Connection> connections;
            for (int count = 0; count < 20; ++count) {
                connections.push_back(connect_pair(kept));
            }
        });
    }

    FailedCall in_use(const Fd& socket) {
        EXPECT_EQ(bind_to(socket, address), Outcome{EADDRINUSE});
        return {socket, address};
    }

    static std::vector<std::string> lines_of(const std::string& text) {
        std::istringstream stream(text);
        std::vector<std::string> lines;
        for (std::string line; std::getline(stream, line);) {
            lines.push_back(line);
        }
        return lines;
    }

    Address address = wildcard(port);
    std::unique_ptr<ParkedChild> child_;
};

std::size_t columns_of(const std::string& line) {
    std::size_t columns = 0;
    for (const char byte : line) {
        columns += (static_cast<unsigned char>(byte) & 0xc0) != 0x80 ? 1 : 0;
    }
    return columns;
}

constexpr EventKind every_kind[] = {
    EventKind::refused,     EventKind::in_use,     EventKind::cured,    EventKind::exhausted,
    EventKind::unavailable, EventKind::privileged, EventKind::injected, EventKind::ephemeral_listener,
    EventKind::invalid,     EventKind::joined};

/// What the preloaded object writes by itself.
std::string plainly_told(EventKind kind, const Address& asked) {
    const Event event{kind,
                      Call::listen,
                      Protocol::udp,
                      0,
                      int{::getpid()},
                      "nginx",
                      read_endpoint(asked.get(), asked.length)};
    Text<plain_event_capacity> line;
    print_event_json(event, {.fd = 3, .exe = "\"", .missing = "\x1b"}, line);
    return std::string(line.view()) + '\n';
}

TEST_F(Rendered, TextFitsAScreenOf80ColumnsBelowItsFirstLine) {
    crowd_the_port();
    const Fd socket = tcp_socket();
    const auto lines = lines_of(told(in_use(socket)));
    EXPECT_LE(lines.size(), 24U);
    ASSERT_GT(lines.size(), 5U);
    for (std::size_t index = 1; index < lines.size(); ++index) {
        EXPECT_LE(columns_of(lines[index]), 80U) << lines[index];
        EXPECT_TRUE(lines[index].starts_with("  ")) << lines[index];
    }
}

TEST_F(Rendered, H31_TextHasNoByteThatATerminalActsOn) {
    crowd_the_port();
    const Fd socket = tcp_socket();
    const std::string text = told(in_use(socket));
    EXPECT_NE(text.find("held by e?[31m"), std::string::npos) << text;
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find('\xff'), std::string::npos);
}

TEST_F(Rendered, AJsonEventIsOneLine) {
    config.format = Format::json;
    crowd_the_port();
    const Fd socket = tcp_socket();
    const std::string text = told(in_use(socket));
    EXPECT_EQ(lines_of(text).size(), 1U);
    EXPECT_TRUE(text.ends_with("}\n"));
}

TEST_F(Rendered, EveryKindOfEventIsOfTheSchema) {
    config.format = Format::json;
    crowd_the_port();
    const Fd socket = tcp_socket();
    std::string all = told(in_use(socket));
    for (const EventKind kind : every_kind) {
        FailedCall report(socket, address);
        report.snapshot.kind = kind;
        report.snapshot.error = kind == EventKind::cured ? 0 : EACCES;
        all += told(report);
    }
    for (const EventKind kind : every_kind) {
        for (const Address& asked : {loopback(9), loopback(9, AF_INET6), Address{}}) {
            all += plainly_told(kind, asked);
        }
    }
    for (const Diagnosis level : {Diagnosis::stack, Diagnosis::full}) {
        config.diagnosis = level;
        config.limits.stack_depth = level == Diagnosis::full ? 0 : 32;
        const Fd udp = udp_socket(AF_INET6);
        const Address ipv6 = loopback(9, AF_INET6);
        all += told(FailedCall(udp, ipv6));
        all += told(FailedCall(Fd(), Address{}));
    }
    FILE* checker = popen(PORTGUARD_SCHEMA_TEST " " PORTGUARD_SCHEMA, "w");
    ASSERT_NE(checker, nullptr);
    fwrite(all.data(), 1, all.size(), checker);
    const int status = pclose(checker);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        PORTGUARD_SKIP("no python3-jsonschema");
    }
    EXPECT_EQ(status, 0) << all;
}

TEST_F(Rendered, ThousandsOfHoldersStayALineThatOneWriteTakes) {
    config.format = Format::json;
    Fd server = listener(flagged(tcp_socket()), loopback(port));
    std::vector<Connection> connections;
    for (int count = 0; count < 300; ++count) {
        connections.push_back(connect_pair(server));
    }
    const Fd socket = tcp_socket();
    const std::string text = told(in_use(socket));
    EXPECT_LT(text.size(), 100'000U);
    EXPECT_NE(text.find("\"237 more holders\""), std::string::npos) << text;
}

TEST_F(Rendered, NothingIsWrittenBelowTheLevel) {
    config.level = Level::error;
    const Fd socket = tcp_socket();
    FailedCall report(socket, address);
    report.snapshot.kind = EventKind::cured;
    EXPECT_EQ(told(report), "");
    report.snapshot.kind = EventKind::ephemeral_listener;
    EXPECT_EQ(told(report), "");
    report.snapshot.kind = EventKind::privileged;
    EXPECT_NE(told(report), "");
}

TEST(TextBlock, CutsALineAtItsWidthAndNeverWithinANumber) {
    for (std::size_t blanks = 50; blanks < 80; ++blanks) {
        TextBlock block("head", false);
        block.add_cut("held", std::string(blanks, 'x') + " 32768-60999 and more than there is room for");
        const std::string text = block.text();
        EXPECT_LE(text.size() - text.find('\n') - 1, 80U);
        ASSERT_TRUE(text.ends_with("...")) << text;
        const std::string kept = text.substr(0, text.size() - 3);
        const std::string number = kept.substr(kept.find_last_not_of("0123456789") + 1);
        EXPECT_TRUE(number.empty() || number == "32768" || number == "60999") << text;
    }
}

} // namespace
} // namespace portguard::test
