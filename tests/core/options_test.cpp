// Every test here walks the table, so that an option added to it is tested without a line here.
#include "core/errno_name.h"
#include "core/options.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/making.h"

namespace portguard {
namespace {

using test::written;

std::string printed(const Option& option, const Config& config) {
    return written([&](TextWriter& out) { option.print(config, out); });
}

/// One value for each placeholder that Option::values uses.
const std::map<std::string, std::string, std::less<>> samples{
    {"PORT", "443"},   {"LOW-HIGH", "15000-65000"},
    {"NAME", "nginx"}, {"PATH", "/var/log/x-%p.log"},
    {"0-128", "64"},   {"1-10000", "500"},
    {"1-1000", "5"},   {"CALL:PORT:ERRNO[:WHEN]", "bind:80:EACCES:3-5"}};

/// "file:PATH" with its sample. Upper case that is no placeholder is a word of its own (EACCES).
std::string with_sample(const std::string& alternative) {
    if (const auto whole = samples.find(alternative); whole != samples.end()) {
        return whole->second;
    }
    const std::size_t start = alternative.find(':') + 1;
    const auto sample = samples.find(alternative.substr(start));
    return sample == samples.end() ? alternative : alternative.substr(0, start) + sample->second;
}

/// The values that the option's own help offers: "PORT|LOW-HIGH[,...]" gives 443, 15000-65000 and both.
std::vector<std::string> offered_values(const Option& option) {
    std::string_view values = option.values;
    const bool is_list = values.ends_with("[,...]");
    values.remove_suffix(is_list ? std::string_view("[,...]").size() : 0);
    std::vector<std::string> offered;
    while (!values.empty()) {
        offered.push_back(with_sample(std::string(next_field(values, '|'))));
    }
    if (is_list) {
        offered.push_back(offered.front() + "," + offered.back());
    }
    return offered;
}

TEST(Options, GiveBackEveryValueTheirHelpOffers) {
    for (const Option& option : option_table()) {
        for (const std::string& value : offered_values(option)) {
            SCOPED_TRACE(std::string(option.name) + "=" + value);
            Config config;
            Sentence why;
            if (!option.assign(config, value, why)) {
                EXPECT_NE(why.view().find("not built yet"), std::string_view::npos) << why.view();
                continue;
            }
            const std::string text = printed(option, config);
            EXPECT_EQ(text, value);
            Config again;
            ASSERT_TRUE(option.assign(again, text, why)) << why.view();
            EXPECT_EQ(printed(option, again), text);
        }
    }
}

TEST(Options, PrintTheValueThatWasAssigned) {
    const test::Setting settings[] = {{"listen", "80,443,5000-14999"},
                                      {"ephemeral", "15000-65000"},
                                      {"mode", "observe"},
                                      {"deny_errno", "EADDRNOTAVAIL"},
                                      {"reuseaddr", "listeners"},
                                      {"port_zero", "ephemeral"},
                                      {"only", "nginx, redis-server"},
                                      {"log", "file:/tmp/%p"},
                                      {"diagnosis", "line"},
                                      {"format", "json"},
                                      {"level", "warn"},
                                      {"stack", "full"},
                                      {"stack_depth", "0"},
                                      {"budget_ms", "10000"},
                                      {"max_reports", "1"}};
    for (const auto& [name, value] : settings) {
        const Option& option = option_table()[find_option(name)];
        EXPECT_EQ(printed(option, test::configured({{name, value}})), value) << name;
    }
}

TEST(Options, ArePrintedAsTheirDefaultsWhereNothingIsSet) {
    for (const Option& option : option_table()) {
        const std::string expected(option.fallback.starts_with("unset") ? "" : option.fallback);
        EXPECT_EQ(printed(option, Config{}), expected) << option.name;
    }
}

TEST(Options, RefuseAValueTheyDoNotKnowInWordsAndStayAsTheyWere) {
    const std::string too_long(4096, 'x');
    for (const Option& option : option_table()) {
        for (const std::string& value : {std::string(), std::string("?"), too_long, "file:/" + too_long}) {
            SCOPED_TRACE(std::string(option.name) + "=" + value.substr(0, 10));
            Config config;
            Sentence why;
            if (!option.assign(config, value, why)) {
                EXPECT_FALSE(why.empty());
                EXPECT_FALSE(why.truncated());
                EXPECT_EQ(printed(option, config), printed(option, Config{}));
            } else {
                EXPECT_EQ(printed(option, config), value);
            }
        }
    }
}

TEST(Options, TakeTextUpToTheirLimitAndNoByteMore) {
    for (const std::string_view name : {"only", "log"}) {
        const Option& option = option_table()[find_option(name)];
        const std::string prefix = name == "log" ? "file:" : "";
        const std::string longest = prefix + "/" + std::string(510, 'x');
        Config config;
        Sentence why;
        EXPECT_TRUE(option.assign(config, longest, why)) << why.view();
        EXPECT_EQ(printed(option, config), longest);
        EXPECT_FALSE(option.assign(config, longest + "x", why)) << name;
    }
}

TEST(Options, TakeEveryDigitOfANumber) {
    const Option& option = option_table()[find_option("budget_ms")];
    for (const std::string_view value : {"1234", "5678", "9000"}) {
        EXPECT_EQ(printed(option, test::configured({{"budget_ms", value}})), value);
    }
}

TEST(Options, SayWhatWouldBeRight) {
    struct Row {
        std::string_view name, value, way_out;
    };
    const std::string long_path = "file:/" + std::string(600, 'x');
    const std::string long_names(600, 'x');
    const Row rows[] = {
        {"listen", "http", "expected ports and ranges, as in 80,443,5000-14999"},
        {"ephemeral", "1-", "expected one range, as in 15000-65000"},
        {"mode", "Enforce", "must be enforce, observe or off"},
        {"deny_errno", "eacces", "must be auto, EACCES, EPERM, EADDRNOTAVAIL or EADDRINUSE"},
        {"reuseaddr", "1", "must be auto, listeners or off"},
        {"port_zero", "", "must be ephemeral or listen"},
        {"only", long_names, "expected at most 511 bytes"},
        {"log", "kmsg", "must be stderr, journal, syslog, none or file:/absolute/path"},
        {"log", "file:events.log", "expected file:/absolute/path"},
        {"log", long_path, "expected at most 511 bytes"},
        {"log", std::string_view("file:/a\0b", 9), "expected text without one"},
        {"diagnosis", "none", "must be full, stack, line or off"},
        {"format", "xml", "must be auto, text or json"},
        {"level", "debug", "must be info, warn or error"},
        {"stack_depth", "129", "must be a number from 0 to 128"},
        {"stack_depth", "-1", "must be a number from 0 to 128"},
        {"budget_ms", "", "must be a number from 1 to 10000"},
        {"budget_ms", "200ms", "must be a number from 1 to 10000"},
        {"max_reports", "99999999999", "must be a number from 1 to 1000"},
    };
    for (const Row& row : rows) {
        Config config;
        Sentence why;
        EXPECT_FALSE(option_table()[find_option(row.name)].assign(config, row.value, why)) << row.name;
        EXPECT_TRUE(why.view().ends_with(row.way_out)) << row.name << ": " << why.view();
    }
}

TEST(Options, KeepALogThatWasSetWhereANewOneIsRefused) {
    Config config = test::configured({{"log", "file:/a"}});
    const Option& log = option_table()[find_option("log")];
    Sentence why;
    EXPECT_FALSE(log.assign(config, "file:/" + std::string(600, 'x'), why));
    EXPECT_EQ(printed(log, config), "file:/a");
}

TEST(Options, AreFoundWithDashesAndUnderscoresAlike) {
    for (const Option& option : option_table()) {
        std::string dashed(option.name);
        std::replace(dashed.begin(), dashed.end(), '_', '-');
        EXPECT_EQ(find_option(option.name), find_option(dashed));
        EXPECT_EQ(&option_table()[find_option(dashed)], &option);
    }
}

TEST(Options, AreNotFoundByAnyOtherName) {
    for (const char* name : {"", "Listen", "listen_", "liste", " listen", "deny", "config", "test_x"}) {
        EXPECT_EQ(find_option(name), option_table().size()) << name;
    }
}

TEST(Options, HaveNamesThatFitAnEnvironmentVariableAndOneLineOfHelp) {
    for (const Option& option : option_table()) {
        EXPECT_TRUE(std::all_of(option.name.begin(), option.name.end(), [](unsigned char character) {
            return std::islower(character) != 0 || character == '_';
        })) << option.name;
        EXPECT_FALSE(option.help.empty()) << option.name;
        EXPECT_EQ(option.help.find('\n'), std::string_view::npos) << option.name;
    }
}

TEST(DenyErrno, StandsForTheErrnoItNames) {
    const Option& option = option_table()[find_option("deny_errno")];
    for (const std::string& name : offered_values(option)) {
        const Config config = test::configured({{"deny_errno", name}});
        EXPECT_EQ(errno_name(errno_value(config.deny_errno)), name == "auto" ? "EACCES" : name);
    }
    EXPECT_EQ(errno_value(Config{}.deny_errno), EACCES);
}

} // namespace
} // namespace portguard
