#include "core/inject.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include <gtest/gtest.h>

#include "core/making.h"

namespace portguard {
namespace {

using test::written;

InjectRules rules_of(std::string_view text) {
    InjectRules rules;
    Sentence why;
    EXPECT_TRUE(parse_inject(text, rules, why)) << text << ": " << why.view();
    return rules;
}

InjectRule rule_of(std::string_view text) {
    const InjectRules rules = rules_of(text);
    EXPECT_EQ(rules.all().size(), 1U);
    return rules.empty() ? InjectRule{} : rules.all().front();
}

/// Of the first `count` calls, which fail: "x" and ".".
std::string outcome(std::string_view text, std::uint32_t count) {
    const InjectRule rule = rule_of(text);
    std::string calls;
    for (std::uint32_t nth = 1; nth <= count; ++nth) {
        calls += is_due(rule, nth) ? 'x' : '.';
    }
    return calls;
}

std::string refusal(std::string_view text) {
    return written([&](TextWriter& why) {
        InjectRules rules;
        EXPECT_FALSE(parse_inject(text, rules, why)) << text;
    });
}

TEST(Inject, FallsOnTheCallsThatARuleCounts) {
    EXPECT_EQ(outcome("bind:8080:EADDRINUSE", 4), "xxxx");
    EXPECT_EQ(outcome("bind:8080:EADDRINUSE:1", 4), "x...");
    EXPECT_EQ(outcome("connect:*:EADDRNOTAVAIL:3-5", 7), "..xxx..");
}

TEST(Inject, FallsOnTheSameShareOfCallsInEveryRun) {
    const std::string calls = outcome("listen:*:EADDRINUSE:10%:seed=7", 10000);
    EXPECT_EQ(calls, outcome("listen:*:EADDRINUSE:10%:seed=7", 10000));
    EXPECT_NE(calls, outcome("listen:*:EADDRINUSE:10%:seed=8", 10000));
    const auto failed = std::count(calls.begin(), calls.end(), 'x');
    EXPECT_GT(failed, 900);
    EXPECT_LT(failed, 1100);
}

TEST(Inject, MatchesCallAndPort) {
    const InjectRule one = rule_of("bind:8080:EADDRINUSE:1");
    EXPECT_TRUE(matches(one, Call::bind, 8080));
    EXPECT_FALSE(matches(one, Call::bind, 8081));
    EXPECT_FALSE(matches(one, Call::listen, 8080));
    EXPECT_EQ(one.error, EADDRINUSE);
    EXPECT_TRUE(matches(rule_of("connect:*:ECONNREFUSED"), Call::connect, 1));
}

TEST(Inject, GivesBackEveryRuleItReads) {
    for (const std::string_view text :
         {"bind:8080:EADDRINUSE:1", "connect:*:EADDRNOTAVAIL:3-5", "listen:*:EADDRINUSE:10%:seed=7",
          "bind:1:EACCES,bind:65535:ENOMEM:999999999", "connect:*:ETIMEDOUT:99%"}) {
        EXPECT_EQ(written([&](TextWriter& out) { print_inject(rules_of(text), out); }), text);
    }
}

TEST(Inject, SaysWhatIsWrongWithARuleAndWhatWouldBeRight) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"close:*:EBADF", "'close' is not a call that can be made to fail; expected bind, listen or connect"},
        {"", "'' is not a call that can be made to fail; expected bind, listen or connect"},
        {"bind", "'' is not a port from 1 to 65535 or *"},
        {"bind:0:EADDRINUSE", "'0' is not a port from 1 to 65535 or *"},
        {"bind:70000:EADDRINUSE", "'70000' is not a port from 1 to 65535 or *"},
        {"bind:80:EFOO", "'EFOO' is not an errno that these calls return; expected one such as EADDRINUSE"},
        {"bind:80:EACCES:0", "'0' does not say which calls; expected 1, 3-5 or 10%"},
        {"bind:80:EACCES:first", "'first' does not say which calls; expected 1, 3-5 or 10%"},
        {"bind:80:EACCES:5-3", "'5-3' is not a range of calls; expected one such as 3-5"},
        {"bind:80:EACCES:100%", "'100%' is not a share of the calls from 1% to 99%"},
        {"bind:80:EACCES:1:seed=7",
         "'seed=7' is more than a rule has; behind a share like 10% a seed=7 may stand"},
        {"bind:80:EACCES:5%:seed=x", "'seed=x' is not a seed; expected a number, as in seed=7"},
        {"bind:80:EACCES,,bind:81:EACCES",
         "'' is not a call that can be made to fail; expected bind, listen or connect"},
    };
    for (const auto& [text, sentence] : cases) {
        EXPECT_EQ(refusal(text), sentence) << text;
    }
}

TEST(Inject, RefusesMoreRulesThanItHolds) {
    std::string text = "bind:1:EACCES";
    for (std::size_t count = 1; count < InjectRules::capacity; ++count) {
        text += ",bind:1:EACCES";
    }
    EXPECT_EQ(rules_of(text).all().size(), InjectRules::capacity);
    EXPECT_EQ(refusal(text + ",bind:1:EACCES"), "has more than 16 rules");
}

} // namespace
} // namespace portguard
