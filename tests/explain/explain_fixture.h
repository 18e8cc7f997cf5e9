// Calls of the test's own that portguard-explain reports.
#pragma once

#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "support/failed_call.h"
#include "support/private_net.h"
#include "support/sockets.h"

namespace portguard::test {

class ExplainTest : public PrivateNetTest {
protected:
    static constexpr std::uint16_t port = 10000;
    static constexpr const char* helper = PORTGUARD_EXPLAIN;

    void SetUp() override {
        PrivateNetTest::SetUp();
        written.clear();
        // Lists are long where another test fills a range: what is tested is what is found, not when.
        config.limits.budget_ms = 10000;
    }

    /// Everything that the report wrote; with the stack from here, and the configuration of now.
    [[gnu::noinline]] std::string told(FailedCall call) {
        ucontext_t context{};
        getcontext(&context);
        call.snapshot.config = config;
        const Explanation explained = explain(call, context, helper);
        const int cured = call.snapshot.kind == EventKind::cured ? explained_cured : 0;
        EXPECT_EQ(explained.status, explained_mark | explained_told | cured) << explained.text;
        written = explained.text;
        return written;
    }

    inline static std::string written;
    Config config;
};

} // namespace portguard::test
