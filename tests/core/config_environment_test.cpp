#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/config.h"
#include "core/making.h"
#include "core/options.h"

namespace portguard {
namespace {

using test::written;

/// The value of one option after this environment, or the refusal.
std::string after(const std::vector<const char*>& variables, std::string_view option) {
    std::vector<const char*> environment(variables);
    environment.push_back(nullptr);
    Draft draft;
    Sentence why;
    if (!apply_environment(draft, environment.data(), why)) {
        return std::string(why.view());
    }
    return written([&](TextWriter& out) { option_table()[find_option(option)].print(draft.config, out); });
}

TEST(Environment, SetsOptionsByTheirUpperCaseNames) {
    EXPECT_EQ(after({"HOME=/root", "PORTGUARD_LISTEN=80,443"}, "listen"), "80,443");
    EXPECT_EQ(after({"PORTGUARD_DENY_ERRNO=EPERM"}, "deny_errno"), "EPERM");
    EXPECT_EQ(after({"PORTGUARD_ONLY=nginx", "PATH=/bin"}, "only"), "nginx");
    EXPECT_EQ(after({"PORTGUARD_LOG= file:/a=b "}, "log"), "file:/a=b");
}

TEST(Environment, RemembersWhereTheValueCameFrom) {
    const char* const environment[] = {"PORTGUARD_MODE=observe", nullptr};
    Draft draft;
    Sentence why;
    ASSERT_TRUE(apply_environment(draft, environment, why));
    EXPECT_EQ(draft.places[find_option("mode")].origin, Origin::environment);
    EXPECT_EQ(draft.places[find_option("listen")].origin, Origin::fallback);
}

TEST(Environment, IsNothingWhereThereIsNone) {
    Draft draft;
    Sentence why;
    EXPECT_TRUE(apply_environment(draft, nullptr, why));
    EXPECT_EQ(config_path_in(nullptr), nullptr);
    EXPECT_EQ(after({}, "mode"), "enforce");
}

TEST(Environment, IgnoresWhatOnlyLooksLikeOurs) {
    for (const char* variable : {"PORTGUARD=off", "PORTGUARDMODE=off", "XPORTGUARD_MODE=off", "PORT=80", "P",
                                 "", "PO", "portguard_mode=off", "PORTGUARD_MODE"}) {
        EXPECT_EQ(after({variable}, "mode"), "enforce") << variable;
    }
}

TEST(Environment, LeavesTheFilesNameAndTheTestsVariablesAlone) {
    EXPECT_EQ(after({"PORTGUARD_CONFIG=/etc/x.conf", "PORTGUARD_TEST_NO_SKIP=1", "PORTGUARD_CI_MODE=off",
                     "PORTGUARD_TEST_=x", "PORTGUARD_MODE=off"},
                    "mode"),
              "off");
}

TEST(Environment, RefusesANameThatNoOptionHasAndListsThoseThatThereAre) {
    const std::string known = written([](TextWriter& out) {
        std::string_view separator;
        for (const Option& option : option_table()) {
            out.add(separator).add(option.name);
            separator = ", ";
        }
    });
    const std::string way_out = " (environment): no option has this name; known are " + known;
    EXPECT_EQ(after({"PORTGUARD_LISTN=80"}, "listen"), "PORTGUARD_LISTN=80" + way_out);
    EXPECT_EQ(after({"PORTGUARD_listen=80"}, "listen"), "PORTGUARD_listen=80" + way_out);
    EXPECT_EQ(after({"PORTGUARD_a=80"}, "listen"), "PORTGUARD_a=80" + way_out);
    EXPECT_EQ(after({"PORTGUARD_z=80"}, "listen"), "PORTGUARD_z=80" + way_out);
    EXPECT_EQ(after({"PORTGUARD_AZ=80"}, "listen"), "PORTGUARD_AZ=80" + way_out);
    EXPECT_EQ(after({"PORTGUARD_=80"}, "listen"), "PORTGUARD_=80" + way_out);
    EXPECT_EQ(after({"PORTGUARD_CONFIG_FILE=x"}, "listen"), "PORTGUARD_CONFIG_FILE=x" + way_out);
    EXPECT_EQ(after({"PORTGUARD_TEST=x"}, "listen"), "PORTGUARD_TEST=x" + way_out);
}

TEST(Environment, RefusesANameOfAnyLengthInOneSentence) {
    const std::string variable = "PORTGUARD_" + std::string(5000, 'Y') + "=80";
    const std::string why = after({variable.c_str()}, "listen");
    EXPECT_TRUE(why.starts_with("PORTGUARD_YYY"));
    EXPECT_NE(why.find("YYY...=80 (environment): no option has this name"), std::string::npos) << why;
}

TEST(Environment, NamesKeyValuePlaceAndWayOutOfABadValue) {
    EXPECT_EQ(after({"PORTGUARD_MODE=on"}, "mode"), "mode=on (environment): must be enforce, observe or off");
    EXPECT_EQ(after({"PORTGUARD_LISTEN="}, "listen"),
              "listen= (environment): '' holds no port; expected ports and ranges, as in 80,443,5000-14999");
}

TEST(Environment, KeepsItsSentenceWholeWhereOneOfAThousandRangesIsWrong) {
    const std::string variable = "PORTGUARD_LISTEN=" + test::thousand_ranges() + ",70000";
    const std::string why = after({variable.c_str()}, "listen");
    EXPECT_TRUE(why.starts_with("listen=10000,10002,")) << why;
    EXPECT_TRUE(why.ends_with("... (environment): '70000' is not a port from 1 to 65535 or a range of them; "
                              "expected ports and ranges, as in 80,443,5000-14999"))
        << why;
}

TEST(ConfigPath, IsTheValueOfItsVariable) {
    const char* const environment[] = {"PORTGUARD_CONFIGS=/no", "PORTGUARD_CONFIG",
                                       "PORTGUARD_CONFIG=/etc/x.conf", nullptr};
    EXPECT_STREQ(config_path_in(environment), "/etc/x.conf");
    const char* const empty[] = {"PORTGUARD_CONFIG=", nullptr};
    EXPECT_STREQ(config_path_in(empty), "");
    const char* const none[] = {"HOME=/root", nullptr};
    EXPECT_EQ(config_path_in(none), nullptr);
}

} // namespace
} // namespace portguard
