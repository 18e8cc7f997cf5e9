#include "tools/common/terminal_width.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace portguard::test {
namespace {

using tools::fitted;
using tools::fitted_command;
using tools::fitted_start;
using Argv = std::vector<std::string>;

/// Of UTF-8.
std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
        return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U;
    }));
}

TEST(Fitted, IsWholeWhereThereIsRoom) {
    EXPECT_EQ(fitted("12345", 5), "12345");
    EXPECT_EQ(fitted(std::string(1000, 'x'), tools::unlimited_width), std::string(1000, 'x'));
}

TEST(Fitted, LosesItsMiddle) {
    EXPECT_EQ(fitted("abcdefghij", 5), "ab…ij");
    EXPECT_EQ(fitted("abcdefghij", 1), "…");
    EXPECT_EQ(fitted("äöüäöüäöü", 4), "äö…ü");
    for (std::size_t width = 0; width < 20; ++width) {
        EXPECT_LE(width_of(fitted("a → b → c → d → e", width)), width);
    }
}

TEST(Fitted, LosesNoPartOfANumber) {
    EXPECT_EQ(fitted("port 10000 of 20000", 11), "port …20000");
    EXPECT_EQ(fitted("1234567890", 5), "…");
    EXPECT_EQ(fitted("127.0.0.1:10000 LISTEN", 13), "127.0.…LISTEN");
    EXPECT_EQ(fitted_start("127.0.0.1:10000 LISTEN", 13), "127.0.0.1:…");
    EXPECT_EQ(fitted_start("127.0.0.1:10000 LISTEN", 18), "127.0.0.1:10000 L…");
    EXPECT_EQ(fitted_start("127.0.0.1:10000", 15), "127.0.0.1:10000");
    EXPECT_EQ(fitted_start("10000", 0), "");
}

TEST(FittedCommand, IsWholeWhereThereIsRoom) {
    EXPECT_EQ(fitted_command(Argv{"/usr/bin/python3", "/srv/app/server.py", "--port=80"}, 100),
              "python3 /srv/app/server.py --port=80");
}

TEST(FittedCommand, LosesFoldersBeforeTheNameOfTheScript) {
    const Argv argv{"/usr/bin/python3", "-u", "/srv/applications/of/ours/server.py", "--port=80"};
    EXPECT_EQ(fitted_command(argv, 36), "python3 -u …/server.py --port=80");
}

TEST(FittedCommand, KeepsTheNameOfTheScriptAndTheEnd) {
    const Argv argv{"python3", "/srv/server.py", std::string(500, 'x'), "--port=80"};
    const std::string text = fitted_command(argv, 60);
    EXPECT_TRUE(text.starts_with("python3 …/server.py …")) << text;
    EXPECT_TRUE(text.ends_with("x --port=80")) << text;
    EXPECT_EQ(width_of(text), 60U);
}

TEST(FittedCommand, IsNeverWiderThanItMayBe) {
    const Argv argv{"java", "-cp", std::string(200, 'a') + ".jar", "com.acme.Main", "--ä=ö", "\x1b[2J"};
    for (std::size_t width = 0; width < 300; ++width) {
        const std::string text = fitted_command(argv, width);
        EXPECT_LE(width_of(text), width) << text;
        EXPECT_EQ(text.find('\x1b'), std::string::npos);
    }
}

} // namespace
} // namespace portguard::test
