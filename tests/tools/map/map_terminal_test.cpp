// What the map looks like on terminals of any kind: light and dark, wide and narrow, in a copy.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "support/private_net.h"
#include "support/sockets.h"
#include "support/terminal.h"
#include "support/waiting.h"
#include "tools/check/facts_of.h"
#include "tools/map/paint.h"
#include "tools/map/terminal_text.h"
#include "tools/support/command.h"
#include "tools/support/contrast.h"

namespace portguard::test {
namespace {

using namespace tools;

/// Every kind of cell and of line that there is.
PortMap full_map(HostFacts& facts) {
    facts = facts_of({tcp(SocketState::listen, 80), tcp(SocketState::listen, 40000),
                      tcp(SocketState::established, 5001), tcp(SocketState::established, 50000),
                      tcp(SocketState::time_wait, 51000), tcp(SocketState::established, 3000),
                      tcp(SocketState::time_wait, 4000)});
    facts.settings.ports.range = {32768, 60999};
    facts.settings.ports.reserved.insert({45000, 45000});
    facts.missing = {"a thing"};
    Config config;
    config.listen = port_set("80,5000-5999");
    config.has_listen = true;
    return map_ports(facts, plan_for(config, facts));
}

/// Of xterm's colours from 16 on.
double luminance_of(int colour) {
    constexpr std::array<int, 6> steps{0, 95, 135, 175, 215, 255};
    const int cube = colour - 16;
    const int grey = 8 + 10 * (colour - 232);
    return luminance(colour < 232 ? std::array{steps[static_cast<std::size_t>(cube / 36)],
                                               steps[static_cast<std::size_t>(cube / 6 % 6)],
                                               steps[static_cast<std::size_t>(cube % 6)]}
                                  : std::array{grey, grey, grey});
}

/// The paints that something is to be read in, out of what a terminal is sent.
std::set<std::pair<int, int>> paints_of(const std::string& text) {
    std::set<std::pair<int, int>> paints;
    std::pair<int, int> present{-1, -1};
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '\033') {
            if (text[at] != ' ' && text[at] != '\n') {
                paints.insert(present);
            }
            continue;
        }
        const std::size_t end = text.find('m', at);
        const std::string escape = text.substr(at, end - at);
        const auto number_after = [&escape](const std::string& word) {
            const std::size_t place = escape.find(word);
            return place == std::string::npos ? -1 : std::stoi(escape.substr(place + word.size()));
        };
        present = {number_after(";38;5;"), number_after(";48;5;")};
        at = end;
    }
    return paints;
}

TEST(MapOnATerminal, IsReadableOnLightAndOnDark) {
    constexpr int white = 231;
    constexpr int black = 16;
    HostFacts facts;
    const PortMap map = full_map(facts);
    const auto paints = paints_of(terminal_text(map, {true, 160, 60}));
    EXPECT_GE(paints.size(), 9U) << "a kind of cell is missing";
    for (const auto& [foreground, background] : paints) {
        if (background >= 0) {
            ASSERT_GE(foreground, 16) << "the terminal's own colour on a background of ours";
            EXPECT_GE(contrast(luminance_of(foreground), luminance_of(background)), least_contrast)
                << foreground << " on " << background;
        } else if (foreground >= 0) {
            for (const int own : {white, black}) {
                EXPECT_GE(contrast(luminance_of(foreground), luminance_of(own)), least_contrast)
                    << foreground << " on " << own;
            }
        }
    }
}

std::string without_escapes(const std::string& text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\033') {
            at = text.find('m', at);
        } else {
            plain += text[at];
        }
    }
    return plain;
}

TEST(MapOnATerminal, SaysInACopyWhatItSaysInColours) {
    HostFacts facts;
    const PortMap map = full_map(facts);
    EXPECT_EQ(without_escapes(terminal_text(map, {true, 80, 24})), terminal_text(map, {false, 80, 24}));
}

TEST(MapOnATerminal, IsNeverWiderThanItAndCutsNoNumber) {
    HostFacts facts;
    const PortMap map = full_map(facts);
    // Of the lines that no terminal cuts, and of the names of the scales.
    std::set<std::string> numbers{"1000", "2000", "5000", "10000", "20000", "50000"};
    const std::string whole = terminal_text(map, {false, 400, 60});
    for (std::size_t at = 0; at < whole.size(); ++at) {
        const std::size_t end = whole.find_first_not_of("0123456789", at);
        numbers.insert(whole.substr(at, end - at));
        at = std::max(at, std::min(end, whole.size()) - (end > at ? 1 : 0));
    }
    for (std::size_t columns = 1; columns <= 120; ++columns) {
        std::istringstream lines(terminal_text(map, {false, columns, 24}));
        for (std::string line; std::getline(lines, line);) {
            EXPECT_LE(line.size(), columns) << line;
            const bool is_cut = line.ends_with("...");
            const std::string kept = is_cut ? line.substr(0, line.size() - 3) : line;
            const std::string number = kept.substr(kept.find_last_not_of("0123456789") + 1);
            EXPECT_TRUE(!is_cut || number.size() < 2 || numbers.count(number) == 1) << line;
        }
    }
    for (const std::size_t columns : {20U, 24U, 40U}) {
        const std::string narrow = terminal_text(map, {false, columns, 24});
        EXPECT_NE(narrow.find("32768-60999"), std::string::npos) << narrow;
        EXPECT_NE(narrow.find("60000 "), std::string::npos) << "the last ports are missing\n" << narrow;
    }
}

TEST(PaintedLine, EndsWithAnEllipsisBehindAWholeWord) {
    const auto cut = [](std::string_view text, std::size_t columns) {
        return PaintedLine(false, columns).add(text).text();
    };
    EXPECT_EQ(cut("ephemeral  32768-60999", 22), "ephemeral  32768-60999");
    EXPECT_EQ(cut("ephemeral  32768-60999", 21), "ephemeral  ...");
    EXPECT_EQ(cut("a,32768-60999", 10), "a,...");
    EXPECT_EQ(cut("1234567", 5), "...");
    EXPECT_EQ(cut("1234567", 2), "..");
    EXPECT_EQ(cut("abcdefgh", 6), "abc...");
}

struct MapColours : PrivateNetTest {};

TEST_F(MapColours, AreForTheAskingWhereverTheTextGoes) {
    EXPECT_EQ(portguard({"map"}).out.find('\033'), std::string::npos);
    EXPECT_NE(portguard({"map", "--color=always"}, {.environment = {"NO_COLOR=1"}}).out.find('\033'),
              std::string::npos);
    EXPECT_TRUE(refused_with(portguard({"map", "--color=sometimes"}), 2, {"auto, always or never"}));
    EXPECT_TRUE(refused_with(portguard({"ci", "--color=sometimes", "true"}), 2, {"auto, always or never"}));
    Terminal plain({PORTGUARD_COMMAND, "map", "--color=never"},
                   {"PORTGUARD_CONFIG=/dev/null", "TERM=xterm-256color"}, 80, 24);
    plain.wait_for_end();
    EXPECT_EQ(plain.written().find('\033'), std::string::npos);
}

TEST_F(MapColours, AndTheMapAreThereInAnySizeThatIsWatched) {
    for (const auto& [columns, lines] :
         {std::pair<unsigned short, unsigned short>{1, 1}, {10, 3}, {20, 24}, {300, 2}}) {
        Terminal terminal({PORTGUARD_COMMAND, "map", "--watch=1h", "--wide"},
                          {"PORTGUARD_CONFIG=/dev/null", "NO_COLOR=1", "TERM=xterm-256color"}, columns,
                          lines);
        ASSERT_TRUE(eventually([&] { return terminal.written().find("\033[J") != std::string::npos; }));
        const std::string drawn = terminal.written().substr(terminal.written().find("\033[H"));
        EXPECT_LT(std::count(drawn.begin(), drawn.end(), '\n'), lines) << "a line too many scrolls";
        std::istringstream rows(drawn.substr(3));
        for (std::string row; std::getline(rows, row);) {
            EXPECT_LE(row.substr(0, row.find('\033')).size(), columns) << row;
        }
        terminal.type("q");
        terminal.wait_for_end();
    }
}

} // namespace
} // namespace portguard::test
