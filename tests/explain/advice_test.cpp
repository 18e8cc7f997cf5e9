// What a report advises has to work: commands are taken from the report and put to those who would get them.
#include <sstream>
#include <string>
#include <vector>

#include "explain/explain_fixture.h"
#include "support/child.h"

namespace portguard::test {
namespace {

class Advice : public ExplainTest {
protected:
    void SetUp() override {
        ExplainTest::SetUp();
        config.format = Format::json;
    }

    void plan(const char* listen, const char* ephemeral) {
        Sentence why;
        ASSERT_TRUE(parse_port_set(listen, config.listen, why));
        config.has_listen = true;
        config.ephemeral = {};
        if (*ephemeral != '\0') {
            ASSERT_TRUE(parse_port_range(ephemeral, config.ephemeral, why));
        }
    }

    std::string refusal(std::uint16_t asked, int error) {
        const Fd socket = tcp_socket();
        const Address address = loopback(asked);
        FailedCall report(socket, address);
        report.snapshot.kind = EventKind::refused;
        report.snapshot.error = error;
        return told(report);
    }

    /// The variables of the first command that has some, for a refusal of `asked`.
    std::vector<std::string> advised_plan(std::uint16_t asked) {
        const std::string text = refusal(asked, EACCES);
        const std::size_t start = text.find("PORTGUARD_LISTEN=");
        if (start == std::string::npos) {
            return {};
        }
        std::istringstream words(text.substr(start, text.find('"', start) - start));
        std::vector<std::string> variables;
        for (std::string word; words >> word;) {
            variables.push_back(word);
        }
        return variables;
    }

    /// Puts them to core, as the next start would: the plan that comes of it.
    static void take(const std::vector<std::string>& variables, const char* ephemeral, Draft& draft) {
        Sentence why;
        if (*ephemeral != '\0') {
            ASSERT_TRUE(apply_option(draft, "ephemeral", ephemeral, {}, why)) << why.view();
        }
        std::vector<const char*> environment;
        environment.reserve(variables.size() + 1);
        for (const std::string& variable : variables) {
            environment.push_back(variable.c_str());
        }
        environment.push_back(nullptr);
        EXPECT_TRUE(apply_environment(draft, environment.data(), why)) << why.view();
        EXPECT_TRUE(check_whole(draft, why)) << why.view();
    }
};

TEST_F(Advice, OfARefusalIsAPlanThatWeTake) {
    struct Row {
        const char* listen;
        const char* ephemeral;
        std::uint16_t asked;
        PortRange expected;
    };
    const Row rows[] = {
        {"5000-14999", "", 20000, {}},
        {"5000-14999", "15000-65000", 80, {15000, 65000}},
        {"5000-14999", "15000-65000", 20010, {20011, 65000}},
        {"5000-14999", "15000-65000", 15000, {15001, 65000}},
        {"5000-14999", "15000-65000", 65000, {15000, 64999}},
        {"5000-14999", "15000-65000", 60000, {15000, 59999}},
    };
    for (const Row& row : rows) {
        plan(row.listen, row.ephemeral);
        Draft draft;
        take(advised_plan(row.asked), row.ephemeral, draft);
        EXPECT_TRUE(draft.config.listen.contains(row.asked)) << row.asked;
        EXPECT_TRUE(draft.config.listen.contains(14999)) << row.asked;
        EXPECT_EQ(draft.config.ephemeral, row.expected) << row.asked;
    }
}

TEST_F(Advice, WhereNoPlanHasRoomIsToMoveTheServer) {
    plan("5000-14999", "20000");
    EXPECT_TRUE(advised_plan(20000).empty()) << written;
    EXPECT_NE(written.find("move the server to a port of 5000-14999"), std::string::npos) << written;
}

TEST_F(Advice, OfARefusalThatEndsASearchForAPortIsTheErrnoThatDoesNot) {
    plan("5000-14999", "15000-65000");
    constexpr const char* variable = "PORTGUARD_DENY_ERRNO=EADDRINUSE";
    EXPECT_NE(refusal(80, EACCES).find(variable), std::string::npos) << written;
    EXPECT_EQ(refusal(80, EADDRINUSE).find(variable), std::string::npos) << written;
}

/// In observe nothing is changed, and the report says what would have been.
class Observed : public ExplainTest {
protected:
    void SetUp() override {
        ExplainTest::SetUp();
        config.mode = Mode::observe;
    }
    std::string first_line_for(const Fd& socket, const Address& address, Call call = Call::bind) {
        FailedCall report(socket, address);
        report.snapshot.call = call;
        const std::string text = told(report);
        return text.substr(0, text.find('\n'));
    }
};

TEST_F(Observed, AHolderWithTheFlagWouldHaveMadeRoom) {
    const Connection connection = connect_pair(listener(flagged(tcp_socket()), loopback(port)));
    const Address address = loopback(port);
    const std::string line = first_line_for(tcp_socket(), address);
    EXPECT_TRUE(line.ends_with("; enforce would have set SO_REUSEADDR and bound")) << line;
}

TEST_F(Observed, AHolderWithoutTheFlagWouldNot) {
    const Connection connection = connect_pair(listener(loopback(port)));
    const Address address = loopback(port);
    const std::string line = first_line_for(tcp_socket(), address);
    EXPECT_TRUE(line.ends_with("; enforce would have set SO_REUSEADDR and failed as well, since the holder "
                               "does not have it"))
        << line;
}

TEST_F(Observed, OfTimeWaitNobodyKnowsTheFlag) {
    Connection connection = connect_pair(listener(loopback(port)));
    into_time_wait(std::move(connection.server), std::move(connection.client));
    const Address address = loopback(port);
    const std::string line = first_line_for(tcp_socket(), address);
    EXPECT_TRUE(line.ends_with("; enforce would have set SO_REUSEADDR and, if the holder has it, too, bound"))
        << line;
}

TEST_F(Observed, AListenerWouldHaveStoodInEnforceToo) {
    const Fd server = listener(flagged(tcp_socket()), loopback(port));
    const Connection connection = connect_pair(server);
    const Address address = loopback(port);
    const std::string line = first_line_for(tcp_socket(), address);
    EXPECT_TRUE(line.ends_with("; enforce would have failed as well")) << line;
}

TEST_F(Observed, JsonHasItInTheSentence) {
    config.format = Format::json;
    const Fd server = listener(loopback(port));
    const Address address = loopback(port);
    EXPECT_NE(first_line_for(tcp_socket(), address).find("; enforce would have failed as well\""),
              std::string::npos)
        << written;
}

} // namespace
} // namespace portguard::test
