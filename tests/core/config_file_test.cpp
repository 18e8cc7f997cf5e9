#include <string>

#include <gtest/gtest.h>

#include "core/config.h"
#include "core/making.h"
#include "core/options.h"

namespace portguard {
namespace {

/// The values of `listen` and `mode` after this file, or the refusal.
std::string after(std::string_view text) {
    Draft draft;
    Sentence why;
    if (!apply_file(draft, text, "/etc/portguard.conf", why)) {
        return std::string(why.view());
    }
    return test::written([&](TextWriter& out) {
        option_table()[find_option("listen")].print(draft.config, out);
        out.add(' ');
        option_table()[find_option("mode")].print(draft.config, out);
    });
}

TEST(File, HoldsOneOptionALine) {
    EXPECT_EQ(after("listen = 80,443\nmode=observe\n"), "80,443 observe");
}

TEST(File, TakesBlanksCommentsAndLineEndsAsTheyCome) {
    EXPECT_EQ(after(""), " enforce");
    EXPECT_EQ(after("\n\n   \n"), " enforce");
    EXPECT_EQ(after("# listen = 80\n; listen = 81\n  # listen = 82\n#\n"), " enforce");
    EXPECT_EQ(after("\t listen\t=  80 , 443 \t\r\nmode = off\r\n"), "80,443 off");
    EXPECT_EQ(after("listen = 80"), "80 enforce");
    EXPECT_EQ(after("listen=80\nlisten=81"), "81 enforce");
}

TEST(File, TakesNamesWithDashes) {
    Draft draft;
    Sentence why;
    ASSERT_TRUE(apply_file(draft, "deny-errno = EPERM", "x", why)) << why.view();
    EXPECT_EQ(draft.config.deny_errno, DenyErrno::eperm);
}

TEST(File, CutsAtTheFirstEqualsSignAlone) {
    Draft draft;
    Sentence why;
    ASSERT_TRUE(apply_file(draft, "log = file:/a=b", "x", why)) << why.view();
    EXPECT_STREQ(draft.config.log.path, "/a=b");
}

TEST(File, RefusesALineWithoutEqualsSignAndNamesItsNumber) {
    EXPECT_EQ(after("# one\n\nlisten 80\n"),
              "'listen 80' (/etc/portguard.conf:3): a line is `name = value` or a comment");
}

TEST(File, NamesKeyValuePlaceAndWayOutOfABadValue) {
    EXPECT_EQ(after("\nmode = on"), "mode=on (/etc/portguard.conf:2): must be enforce, observe or off");
    EXPECT_EQ(
        after("listen = 80 # http"),
        "listen=80 # http (/etc/portguard.conf:1): '80 # http' is not a port from 1 to 65535 or a range of "
        "them; expected ports and ranges, as in 80,443,5000-14999");
}

TEST(File, NamesAnUnknownOption) {
    const std::string way_out =
        " (/etc/portguard.conf:1): no option has this name; known are listen, ephemeral,";
    EXPECT_TRUE(after("Listen = 80").starts_with("Listen=80" + way_out));
    EXPECT_TRUE(after("= 80").starts_with("=80" + way_out));
    EXPECT_TRUE(after("PORTGUARD_LISTEN = 80").starts_with("PORTGUARD_LISTEN=80" + way_out));
}

TEST(File, IsQuotedWithoutItsControlCharactersAndInOneSentence) {
    const std::string why = after("\x1b[2J" + std::string(5000, 'x'));
    EXPECT_TRUE(why.starts_with("'?[2Jxxx")) << why;
    EXPECT_TRUE(why.ends_with("...' (/etc/portguard.conf:1): a line is `name = value` or a comment")) << why;
}

TEST(File, RemembersTheLineOfEachValue) {
    Draft draft;
    Sentence why;
    ASSERT_TRUE(apply_file(draft, "\nmode=off\n", "/a/b.conf", why));
    EXPECT_EQ(test::written([&](TextWriter& out) { print_place(draft.places[find_option("mode")], out); }),
              "/a/b.conf:2");
}

} // namespace
} // namespace portguard
