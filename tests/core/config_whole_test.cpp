// What holds for a configuration as a whole: precedence, places, listen against ephemeral, `only`.
#include <string>

#include <gtest/gtest.h>

#include "core/config.h"
#include "core/making.h"
#include "core/options.h"

namespace portguard {
namespace {

using test::configured;
using test::written;

constexpr Place command_line{Origin::command_line, {}, 0};

/// "ok", or the refusal of these two as a pair.
std::string checked(std::string_view listen, std::string_view ephemeral) {
    Draft draft;
    Sentence why;
    if (!apply_file(draft, "listen = " + std::string(listen), "/etc/portguard.conf", why) ||
        !apply_option(draft, "ephemeral", ephemeral, command_line, why) || !check_whole(draft, why)) {
        EXPECT_FALSE(why.truncated());
        return std::string(why.view());
    }
    return "ok";
}

TEST(Config, TakesTheCommandLineBeforeTheEnvironmentBeforeTheFile) {
    const char* const environment[] = {"PORTGUARD_MODE=observe", "PORTGUARD_LISTEN=81", nullptr};
    Draft draft;
    Sentence why;
    ASSERT_TRUE(apply_file(draft, "listen = 80\nmode = off\ndiagnosis = line", "x", why));
    ASSERT_TRUE(apply_environment(draft, environment, why));
    ASSERT_TRUE(apply_option(draft, "listen", "82", command_line, why));
    EXPECT_EQ(draft.config.diagnosis, Diagnosis::line);
    EXPECT_EQ(draft.config.mode, Mode::observe);
    EXPECT_EQ(written([&](TextWriter& out) { print_port_set(draft.config.listen, out); }), "82");
    EXPECT_EQ(draft.places[find_option("diagnosis")].origin, Origin::file);
    EXPECT_EQ(draft.places[find_option("mode")].origin, Origin::environment);
    EXPECT_EQ(draft.places[find_option("listen")].origin, Origin::command_line);
}

TEST(Config, KeepsValueAndPlaceWhereANewValueIsRefused) {
    Draft draft;
    Sentence why;
    ASSERT_TRUE(apply_file(draft, "listen = 80", "x", why));
    EXPECT_FALSE(apply_option(draft, "listen", "81,x", command_line, why));
    EXPECT_EQ(draft.places[find_option("listen")].origin, Origin::file);
    EXPECT_TRUE(draft.config.listen.contains(80));
    EXPECT_FALSE(draft.config.listen.contains(81));
}

TEST(Config, NamesEveryPlaceInWords) {
    const auto in_words = [](const Place& place) {
        return written([&](TextWriter& out) { print_place(place, out); });
    };
    EXPECT_EQ(in_words({}), "default");
    EXPECT_EQ(in_words({Origin::file, "/etc/a\n.conf", 3}), "/etc/a?.conf:3");
    EXPECT_EQ(in_words({Origin::environment, {}, 0}), "environment");
    EXPECT_EQ(in_words(command_line), "command line");
}

TEST(Overlap, OfTheTutorialsPairIsRefusedWithThePortAndThePairThatWorks) {
    EXPECT_EQ(
        checked("5000-15000", "15000-65000"),
        "listen=5000-15000 (/etc/portguard.conf:1) and ephemeral=15000-65000 (command line) meet at port "
        "15000; the two must not overlap: listen=5000-14999 with ephemeral=15000-65000 would work");
    EXPECT_EQ(checked("5000-14999", "15000-65000"), "ok");
}

TEST(Overlap, IsAnsweredWithWhatIsLeftOfListen) {
    struct Row {
        std::string_view listen, ephemeral, port, left;
    };
    const Row rows[] = {
        {"80,443,20000", "15000-65000", "20000", "80,443"},
        {"80-20000", "100-200", "100", "80-99,201-20000"},
        {"1-65535", "65535", "65535", "1-65534"},
        {"1-65535", "1", "1", "2-65535"},
        {"80,65000-65535", "15000-65000", "65000", "80,65001-65535"},
    };
    for (const Row& row : rows) {
        const std::string why = checked(row.listen, row.ephemeral);
        EXPECT_NE(why.find("meet at port " + std::string(row.port) + ";"), std::string::npos) << why;
        const std::string pair = ": listen=" + std::string(row.left) +
                                 " with ephemeral=" + std::string(row.ephemeral) + " would work";
        EXPECT_TRUE(why.ends_with(pair)) << why;
        EXPECT_EQ(checked(row.left, row.ephemeral), "ok");
    }
}

TEST(Overlap, OfAListenWhollyInsideLeavesOnlyAMove) {
    const std::string why = checked("20000-30000", "15000-65000");
    EXPECT_NE(why.find("meet at port 20000;"), std::string::npos);
    EXPECT_TRUE(why.ends_with(": move one of them")) << why;
}

TEST(Overlap, OfAThousandRangesStillTellsPortAndWayOut) {
    const std::string why = checked(test::thousand_ranges(), "11998-65000");
    EXPECT_TRUE(why.starts_with("listen=10000,10002,")) << why;
    EXPECT_TRUE(
        why.ends_with("... (/etc/portguard.conf:1) and ephemeral=11998-65000 (command line) meet at port "
                      "11998; the two must not overlap: take 11998-65000 out of listen"))
        << why;
}

TEST(Overlap, IsNoneWhereEitherIsUnset) {
    Sentence why;
    EXPECT_TRUE(check_whole({.config = configured({{"listen", "1-65535"}})}, why));
    EXPECT_TRUE(check_whole({.config = configured({{"ephemeral", "1-65535"}})}, why));
    EXPECT_TRUE(check_whole({}, why));
}

TEST(Only, IsEveryProgramWhereUnset) {
    EXPECT_TRUE(is_active_in({}, "nginx"));
    EXPECT_TRUE(is_active_in(configured({{"only", ""}}), "nginx"));
}

TEST(Only, IsTheNamedProgramsAndNoOthers) {
    const Config config = configured({{"only", "nginx, redis-server ,python3"}});
    for (const char* name : {"nginx", "redis-server", "python3"}) {
        EXPECT_TRUE(is_active_in(config, name)) << name;
    }
    for (const char* name : {"", "ngin", "nginx ", "nginxx", "NGINX", "redis-server ,python3", "python"}) {
        EXPECT_FALSE(is_active_in(config, name)) << '\'' << name << '\'';
    }
}

} // namespace
} // namespace portguard
