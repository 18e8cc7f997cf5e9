#include "core/text.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace portguard {
namespace {

TEST(TextWriter, AppendsTextCharactersAndNumbersInOrder) {
    Text<64> text;
    text.add("port ").add_number(443).add(',').add(' ').add_hex(0xbeef);
    EXPECT_EQ(text.view(), "port 443, beef");
    EXPECT_FALSE(text.truncated());
}

TEST(TextWriter, WritesTheEndsOfTheNumberRange) {
    constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
    Text<64> text;
    text.add_number(0).add(' ').add_number(largest).add(' ').add_hex(0).add(' ').add_hex(largest);
    EXPECT_EQ(text.view(), "0 18446744073709551615 0 ffffffffffffffff");
}

TEST(TextWriter, DropsWhatDoesNotFitAndRemembersIt) {
    char memory[] = "-----";
    TextWriter text(memory, 4);
    EXPECT_FALSE(text.add("abcd").truncated());
    EXPECT_TRUE(text.add('e').truncated());
    EXPECT_EQ(text.view(), "abcd");
    EXPECT_EQ(memory[4], '-');
}

TEST(TextWriter, StaysTruncatedUntilItIsCleared) {
    Text<2> text;
    text.add("abc").add("");
    EXPECT_TRUE(text.truncated());
    text.clear();
    EXPECT_FALSE(text.truncated());
    EXPECT_TRUE(text.empty());
    EXPECT_EQ(text.add("xy").view(), "xy");
}

TEST(TextWriter, ShowsUntrustedBytesThatATerminalOrLineReaderActsOnAsQuestionMarks) {
    Text<64> text;
    text.add_untrusted("a\x1b[31m\nb\x7f\xc3\xa9~ ");
    EXPECT_EQ(text.view(), "a?[31m?b???~ ");
}

TEST(TextWriter, ShowsShortTextWholeInAnExcerpt) {
    const std::string whole(excerpt_length, 'x');
    EXPECT_EQ(Sentence().add_excerpt(whole).view(), whole);
}

TEST(TextWriter, CutsLongTextInAnExcerpt) {
    EXPECT_EQ(Sentence().add_excerpt(std::string(5000, '\n')).view(),
              std::string(excerpt_length, '?') + "...");
}

TEST(StartsWith, ComparesTheBeginningAlone) {
    EXPECT_TRUE(starts_with("file:/x", "file:"));
    EXPECT_TRUE(starts_with("file:", "file:"));
    EXPECT_TRUE(starts_with("x", ""));
    EXPECT_FALSE(starts_with("file", "file:"));
    EXPECT_FALSE(starts_with("xfile:", "file:"));
}

TEST(Trimmed, DropsBlanksAtTheEndsAlone) {
    EXPECT_EQ(trimmed(" \t a b\r"), "a b");
    EXPECT_EQ(trimmed("a"), "a");
    EXPECT_EQ(trimmed(" \t\r "), "");
    EXPECT_EQ(trimmed(""), "");
    EXPECT_EQ(trimmed("a\n"), "a\n");
}

TEST(NextField, TakesOneFieldAfterTheOther) {
    std::string_view text = "a,,b";
    EXPECT_EQ(next_field(text, ','), "a");
    EXPECT_EQ(next_field(text, ','), "");
    EXPECT_EQ(next_field(text, ','), "b");
    EXPECT_TRUE(text.empty());
    EXPECT_EQ(next_field(text, ','), "");
}

TEST(BaseName, IsWhatFollowsTheLastSlash) {
    EXPECT_EQ(base_name("/usr/sbin/nginx"), "nginx");
    EXPECT_EQ(base_name("nginx"), "nginx");
    EXPECT_EQ(base_name("/usr/sbin/"), "");
    EXPECT_EQ(base_name(""), "");
}

} // namespace
} // namespace portguard
