// What becomes of the text of /etc/ld.so.preload.
#include "tools/enable/preload_file.h"

#include <gtest/gtest.h>

namespace portguard::test {
namespace {

using tools::own_entries;
using tools::with_entry;
using tools::without_own_entries;
using Entries = std::vector<std::string>;

constexpr const char* entry = "/usr/$LIB/libportguard.so";

TEST(PreloadFile, AnEntryStandsBeforeAllOthers) {
    EXPECT_EQ(with_entry("", entry), "/usr/$LIB/libportguard.so\n");
    EXPECT_EQ(with_entry("/lib/a.so\n", entry), "/usr/$LIB/libportguard.so\n/lib/a.so\n");
    EXPECT_EQ(with_entry("/lib/a.so", entry), "/usr/$LIB/libportguard.so\n/lib/a.so");
}

TEST(PreloadFile, AnEntryThatIsThereStaysWhereItIs) {
    const std::string text = "# first\n/lib/a.so\n/usr/$LIB/libportguard.so\n";
    EXPECT_EQ(with_entry(text, entry), text);
}

TEST(PreloadFile, AnEntryOfAnotherPlaceIsReplaced) {
    EXPECT_EQ(with_entry("/opt/libportguard.so\n/lib/a.so\n", entry),
              "/usr/$LIB/libportguard.so\n/lib/a.so\n");
    EXPECT_EQ(with_entry("/usr/$LIB/libportguard.so\n/opt/libportguard.so\n", entry),
              "/usr/$LIB/libportguard.so\n");
}

TEST(PreloadFile, OurEntriesAreFoundAsTheLoaderFindsThem) {
    EXPECT_EQ(own_entries("/a/libportguard.so:/lib/b.so\t/c/libportguard.so"),
              (Entries{"/a/libportguard.so", "/c/libportguard.so"}));
    EXPECT_EQ(own_entries("# /a/libportguard.so\n/lib/b.so # libportguard.so\n/lib/libportguard.so.bak\n"),
              Entries{});
}

TEST(PreloadFile, WithoutOursNothingElseIsChanged) {
    const std::string others = "\n# libportguard.so was here\n  /lib/a.so   /lib/b.so # both\n/lib/c.so";
    EXPECT_EQ(without_own_entries(others), others);
    EXPECT_EQ(without_own_entries(with_entry(others, entry)), others);
}

TEST(PreloadFile, OfALineWithOthersOnlyOursIsTakenOut) {
    EXPECT_EQ(without_own_entries("/lib/a.so:/usr/lib/libportguard.so /lib/b.so # all\n"),
              "/lib/a.so /lib/b.so # all\n");
    EXPECT_EQ(without_own_entries("/usr/lib/libportguard.so # ours\n"), "# ours\n");
    EXPECT_EQ(without_own_entries("/usr/lib/libportguard.so\n"), "");
}

} // namespace
} // namespace portguard::test
