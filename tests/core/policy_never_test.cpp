// What must never be, whatever is remembered of a socket: every fact, every mode, every plan, every call.
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/making.h"
#include "core/policy.h"

namespace portguard {
namespace {

using test::host;
using test::what;

struct Case {
    const Config& config;
    SocketFacts facts;
    Verdict verdict;
};

std::vector<SocketFacts> all_facts() {
    std::vector<SocketFacts> facts;
    for (unsigned bits = 0; bits < 256; ++bits) {
        const SocketFacts candidate(static_cast<std::uint8_t>(bits));
        if (candidate.protocol() <= Protocol::udp) {
            facts.push_back(candidate);
        }
    }
    return facts;
}

std::vector<Config> all_configs() {
    std::vector<Config> configs;
    for (const bool has_plan : {false, true}) {
        for (const Mode mode : {Mode::enforce, Mode::observe, Mode::off}) {
            for (const auto reuse : {ReuseAddress::automatic, ReuseAddress::listeners, ReuseAddress::off}) {
                Config config;
                if (has_plan) {
                    config = test::configured({{"listen", "5000-14999"}, {"ephemeral", "15000-65000"}});
                }
                config.mode = mode;
                config.reuseaddr = reuse;
                configs.push_back(config);
                config.port_zero = PortZero::listen;
                config.range_method = RangeMethod::off;
                configs.push_back(config);
            }
        }
    }
    return configs;
}

void check_calls(const Config& config, const OutgoingPlan& plan, SocketFacts facts,
                 const std::function<void(const Case&)>& check) {
    for (const std::uint16_t port : test::PortNumbers{0, 80, 4000, 5000, 20000}) {
        for (const bool unspecified : {false, true}) {
            check({config, facts, decide_bind(config, plan, facts, {Family::ipv4, unspecified, port})});
        }
        check({config, facts, decide_bind(config, plan, facts, {Family::other, false, port})});
    }
    check({config, facts, decide_socket(config, plan, facts)});
    check({config, facts, decide_listen(config, plan, facts)});
    check({config, facts, decide_connect(config, plan, facts)});
    check({config, facts, decide_connect(config, plan, facts, 20000)});
}

void for_every_case(const std::function<void(const Case&)>& check) {
    const std::vector<SocketFacts> facts_to_try = all_facts();
    for (const Config& config : all_configs()) {
        for (const char* range : {"", "10000-60999", "10000-14000", "32768-60999"}) {
            const OutgoingPlan plan = plan_outgoing(config, host(range));
            for (const SocketFacts facts : facts_to_try) {
                SCOPED_TRACE(what(facts) + " on a host with range '" + range + "'");
                check_calls(config, plan, facts, check);
            }
        }
    }
}

bool binds(const Verdict& verdict) {
    return verdict.before == Before::bind_in_range || verdict.before == Before::bind_in_listen;
}

bool changes_the_socket(const Verdict& verdict) {
    return binds(verdict) || verdict.before == Before::set_port_range || verdict.after != After::nothing;
}

bool sets_reuseaddr(const Verdict& verdict) {
    return verdict.after == After::mark_listener || verdict.after == After::give_courtesy;
}

TEST(Never, IsAnythingDoneOrToldWithModeOff) {
    for_every_case([](const Case& tried) {
        if (tried.config.mode == Mode::off) {
            EXPECT_EQ(what(tried.verdict), "pass");
            EXPECT_EQ(what(tried.verdict.next), what(tried.facts));
        }
    });
}

TEST(Never, IsACallRefusedOrASocketChangedWithModeObserve) {
    for_every_case([](const Case& tried) {
        if (tried.config.mode == Mode::observe) {
            EXPECT_NE(tried.verdict.before, Before::refuse);
            EXPECT_FALSE(changes_the_socket(tried.verdict)) << what(tried.verdict);
        }
    });
}

TEST(Never, IsARefusalToldThatWasAlsoMade) {
    for_every_case([](const Case& tried) {
        EXPECT_FALSE(tried.verdict.report == DueReport::refused && tried.config.mode != Mode::observe)
            << what(tried.verdict);
    });
}

TEST(Never, IsReuseaddrSetOnUdpOrAnyOtherProtocol) {
    for_every_case([](const Case& tried) {
        if (tried.facts.protocol() == Protocol::udp || tried.facts.protocol() == Protocol::other) {
            EXPECT_FALSE(sets_reuseaddr(tried.verdict)) << what(tried.verdict);
        }
    });
}

TEST(Never, IsReuseaddrSetWhereTheProgramChoseItsValueOrTheOptionIsOff) {
    for_every_case([](const Case& tried) {
        if (tried.facts.chose_reuseaddr() || tried.config.reuseaddr == ReuseAddress::off) {
            EXPECT_FALSE(sets_reuseaddr(tried.verdict)) << what(tried.verdict);
        }
    });
}

TEST(Never, IsAListenerMarkedWhosePortTheKernelChose) {
    for_every_case([](const Case& tried) {
        if (tried.facts.port() == PortChoice::kernel || tried.facts.port() == PortChoice::courteous) {
            EXPECT_NE(tried.verdict.after, After::mark_listener);
        }
    });
}

TEST(Never, IsCourtesyGivenToAPortThatTheProgramChose) {
    for_every_case([](const Case& tried) {
        if (tried.facts.port() != PortChoice::kernel) {
            EXPECT_NE(tried.verdict.after, After::give_courtesy);
        }
    });
}

TEST(Never, IsMptcpGivenCourtesy) {
    for_every_case([](const Case& tried) {
        if (tried.facts.protocol() == Protocol::mptcp) {
            EXPECT_NE(tried.verdict.after, After::give_courtesy);
        }
    });
}

TEST(Never, IsAPortChosenOverTheProgramsOwnRange) {
    for_every_case([](const Case& tried) {
        if (tried.facts.chose_range()) {
            EXPECT_NE(tried.verdict.before, Before::set_port_range);
            EXPECT_FALSE(binds(tried.verdict)) << what(tried.verdict);
        }
    });
}

TEST(Never, IsUdpThatSharesPortsKeptInANarrowerRange) {
    for_every_case([](const Case& tried) {
        if (tried.facts.protocol() == Protocol::udp && tried.facts.chose_reuseaddr()) {
            EXPECT_TRUE(tried.verdict.range.empty()) << what(tried.verdict);
            EXPECT_FALSE(binds(tried.verdict)) << what(tried.verdict);
        }
    });
}

TEST(Never, IsARangeTakenAwayThatWeDidNotSet) {
    for_every_case([](const Case& tried) {
        if (tried.verdict.before == Before::set_port_range && tried.verdict.range.empty()) {
            EXPECT_TRUE(tried.facts.clamped());
            EXPECT_FALSE(tried.verdict.next.clamped());
        }
    });
}

TEST(Never, IsTheKernelAskedAboutASocketThatIsKnown) {
    for_every_case([](const Case& tried) {
        if (tried.facts.protocol() != Protocol::unknown) {
            EXPECT_NE(tried.verdict.before, Before::ask_kernel);
        }
    });
}

TEST(Never, IsTheProtocolOrTheProgramsOwnChoiceForgotten) {
    for_every_case([](const Case& tried) {
        if (tried.verdict.before != Before::ask_kernel) {
            EXPECT_EQ(tried.verdict.next.protocol(), tried.facts.protocol());
            EXPECT_EQ(tried.verdict.next.chose_reuseaddr(), tried.facts.chose_reuseaddr());
            EXPECT_EQ(tried.verdict.next.chose_range(), tried.facts.chose_range());
        }
    });
}

} // namespace
} // namespace portguard
