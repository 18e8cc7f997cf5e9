// What fails in runs where nothing is wrong: a line of information, and one per process.
#include <string>

#include "explain/explain_fixture.h"

namespace portguard::test {
namespace {

bool has(const std::string& text, const std::string& words) {
    return text.find(words) != std::string::npos;
}

class HarmlessCause : public ExplainTest {
protected:
    static constexpr std::uint16_t client_port = 40000;
    static constexpr int harmless = explained_mark | explained_told | explained_harmless;
    static constexpr int silent = explained_mark | explained_told | explained_silent;

    void SetUp() override {
        ExplainTest::SetUp();
        set_ephemeral_range(32768, 60999);
    }

    /// Expects that `asked` is in use, and what is made of that.
    [[gnu::noinline]] Explanation explained(const Address& asked, bool told_before = false) {
        const Fd socket = tcp_socket(asked.storage.ss_family);
        EXPECT_EQ(bind_to(socket, asked), Outcome{EADDRINUSE});
        FailedCall call(socket, asked);
        call.snapshot.config = config;
        call.snapshot.harmless_told = told_before;
        ucontext_t context{};
        getcontext(&context);
        return explain(call, context, helper);
    }
};

TEST_F(HarmlessCause, IsTheOwnDualStackListenerThatServesTheAddress) {
    const Fd own = listener(wildcard(port, AF_INET6));
    for (const Address& asked : {wildcard(port), loopback(port)}) {
        const Explanation made = explained(asked);
        EXPECT_EQ(made.status, harmless) << made.text;
        EXPECT_TRUE(has(made.text, "this process listens there already")) << made.text;
        EXPECT_TRUE(has(made.text, "IPV6_V6ONLY")) << made.text;
        EXPECT_EQ(made.text.find('\n'), made.text.size() - 1) << "one line: " << made.text;
    }
}

TEST_F(HarmlessCause, IsNotADualStackSocketThatDoesNotListen) {
    const Fd own = tcp_socket(AF_INET6);
    ASSERT_EQ(bind_to(own, wildcard(port, AF_INET6)), success);
    const Explanation made = explained(wildcard(port));
    EXPECT_EQ(made.status, explained_mark | explained_told) << made.text;
}

TEST_F(HarmlessCause, IsNotAnIPv4ListenerBelowADualStackSocket) {
    const Fd own = listener(wildcard(port));
    const Explanation made = explained(wildcard(port, AF_INET6));
    EXPECT_EQ(made.status, explained_mark | explained_told) << "nothing serves IPv6: " << made.text;
}

TEST_F(HarmlessCause, IsThePortOfAClientThatThisProcessServes) {
    const Fd server = listener(loopback(port));
    Fd client = tcp_socket();
    ASSERT_EQ(bind_to(client, loopback(client_port)), success);
    const Connection connection = connect_pair(server, std::move(client));
    const Explanation made = explained(loopback(client_port));
    EXPECT_EQ(made.status, harmless) << made.text;
    EXPECT_TRUE(has(made.text, "the port is that of a client of this process")) << made.text;
}

TEST_F(HarmlessCause, IsNotThePortOfAPeerThatThisProcessConnectedTo) {
    const Fd peer = listener(loopback(client_port));
    Fd own = tcp_socket();
    ASSERT_EQ(bind_to(own, loopback(client_port + 1)), success);
    const Connection connection = connect_pair(peer, std::move(own));
    const Explanation made = explained(loopback(client_port + 1));
    EXPECT_EQ(made.status, explained_mark | explained_told) << made.text;
}

TEST_F(HarmlessCause, IsToldOnceAndBelowWarnNever) {
    const Fd own = listener(wildcard(port, AF_INET6));
    const Explanation again = explained(wildcard(port), true);
    EXPECT_EQ(again.status, silent) << again.text;
    EXPECT_EQ(again.text, "");
    config.level = Level::warn;
    const Explanation hidden = explained(wildcard(port));
    EXPECT_EQ(hidden.status, silent) << hidden.text;
    EXPECT_EQ(hidden.text, "");
}

} // namespace
} // namespace portguard::test
