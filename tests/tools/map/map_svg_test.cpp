// `portguard map --svg`: the picture as XML, and the file it goes to.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "support/child.h"
#include "support/private_net.h"
#include "support/skip.h"
#include "support/sockets.h"
#include "tools/support/command.h"
#include "tools/support/contrast.h"

namespace portguard::test {
namespace {

class MapPicture : public PrivateNetTest {
protected:
    [[nodiscard]] std::string picture() const { return folder_.file("ports.svg"); }
    [[nodiscard]] std::string text() const {
        std::ifstream file(picture());
        return {std::istreambuf_iterator<char>(file), {}};
    }

    TemporaryFolder folder_;
};

/// Every <title> of an SVG file, a line each, as an XML parser reads them.
std::string titles_of(const std::string& file) {
    const Finished finished =
        run_process({.argv = {"python3", "-c",
                              "import sys, xml.etree.ElementTree as tree\n"
                              "root = tree.parse(sys.argv[1]).getroot()\n"
                              "assert root.tag == '{http://www.w3.org/2000/svg}svg', root.tag\n"
                              "assert not root.findall('.//{*}script')\n"
                              "for title in root.iter('{http://www.w3.org/2000/svg}title'): "
                              "print(title.text.replace('\\n', ' | '))",
                              file}});
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    return finished.out;
}

TEST_F(MapPicture, HasATitleWithPortProcessAndStateForEachPort) {
    const Fd server = listener(flagged(tcp_socket()), wildcard(8080));
    const Fd risky = listener(flagged(tcp_socket()), wildcard(40000));
    const Connection connection = connect_pair(server);
    const Fd datagram = udp_socket();
    ASSERT_EQ(bind_to(datagram, wildcard(5353)), success);
    const Finished finished = portguard({"map", "--listen=8000-9000", "--svg", picture()});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_NE(finished.out.find("! port 40000: "), std::string::npos) << finished;
    const std::string titles = titles_of(picture());
    const std::string process = "[" + std::to_string(::getpid()) + "]";
    for (const std::string& part :
         {std::string("port 8080 | TCP LISTEN 0.0.0.0:8080, "),
          std::string("port 40000 | collision: listens inside ephemeral 32768-60999 | TCP LISTEN"),
          "port " + std::to_string(local_port(connection.client)) + " | TCP ESTABLISHED 127.0.0.1:",
          std::string("port 5353 | UDP UNCONN"), std::string("listen 8000-9000"),
          std::string("ephemeral 32768-60999"), process}) {
        EXPECT_NE(titles.find(part), std::string::npos) << part << " is not in\n" << titles;
    }
}

/// What follows "RULE{PROPERTY:" in `style`.
std::string value_of(const std::string& style, const std::string& rule, const std::string& property) {
    const std::size_t at = style.find("\n" + rule + "{");
    const std::size_t from = style.find(property + ":", at) + property.size() + 1;
    return style.substr(from, style.find_first_of(";}", from) - from);
}

TEST_F(MapPicture, IsReadableOnLightAndOnDark) {
    const std::string style = "\n" + portguard({"map", "--svg=-"}).out;
    const std::size_t dark = style.find("@media (prefers-color-scheme:dark)");
    ASSERT_NE(dark, std::string::npos);
    const std::string light_rules = style.substr(0, dark);
    const std::string dark_rules = style.substr(dark);
    for (const std::string& rules : {light_rules, dark_rules}) {
        const double paper = luminance(value_of(rules, ".paper", "fill"));
        for (const char* const text : {"text", ".faint", ".bad"}) {
            EXPECT_GE(contrast(luminance(value_of(rules, text, "fill")), paper), least_contrast) << text;
        }
    }
    EXPECT_NE(value_of(light_rules, ".paper", "fill"), value_of(dark_rules, ".paper", "fill"));
}

TEST_F(MapPicture, TakesNothingOfAProcessNameForXml) {
    Fd server;
    const ParkedChild hostile([&] {
        server = listener(flagged(tcp_socket()), wildcard(8080));
        ::prctl(PR_SET_NAME, "</svg>&\"\x1b[31m\x80");
    });
    ASSERT_TRUE(portguard({"map", "--svg", picture()}).exited_with(0));
    EXPECT_NE(titles_of(picture()).find("</svg>&\"?[31m"), std::string::npos) << titles_of(picture());
    EXPECT_EQ(text().find('\x1b'), std::string::npos);
}

TEST_F(MapPicture, GoesToStandardOutputForADash) {
    const Finished finished = portguard({"map", "--svg=-"});
    EXPECT_TRUE(finished.out.starts_with("<svg ") && finished.out.ends_with("</svg>\n"));
    EXPECT_EQ(finished.err, "");
}

TEST_F(MapPicture, ReplacesAFileAndLeavesNothingBesideIt) {
    ASSERT_EQ(folder_.write("ports.svg", "old"), picture());
    ASSERT_TRUE(portguard({"map", "--svg", picture()}).exited_with(0));
    EXPECT_TRUE(text().starts_with("<svg "));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
    EXPECT_EQ(std::filesystem::status(picture()).permissions() & std::filesystem::perms(0444),
              std::filesystem::perms(0444));
}

TEST_F(MapPicture, IsNotWrittenWhereTheNameIsSomethingElse) {
    const std::string target = folder_.write("target", "kept");
    const std::string link = folder_.file("link");
    std::filesystem::create_symlink(target, link);
    const std::string pipe = folder_.file("pipe");
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0644), 0);
    EXPECT_TRUE(refused_with(portguard({"map", "--svg", link}), 2, {"svg=" + link, "symbolic link"}));
    EXPECT_TRUE(refused_with(portguard({"map", "--svg", pipe}), 2, {"svg=" + pipe, "--svg=-"}));
    EXPECT_TRUE(refused_with(portguard({"map", "--svg=/dev/null"}), 2, {"svg=/dev/null", "--svg=-"}));
    EXPECT_TRUE(refused_with(portguard({"map", "--svg", folder_.path().string()}), 2, {"is a folder"}));
    EXPECT_TRUE(refused_with(portguard({"map", "--svg", folder_.file("no/x")}), 2, {"there is no folder"}));
    EXPECT_TRUE(refused_with(portguard({"map", "--svg", target + "/x"}), 2, {"is not a folder"}));
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_EQ(std::filesystem::file_size(target), 4U);
}

TEST_F(MapPicture, IsNotWrittenWhereThisUserMayNot) {
    if (result_in_child([] { return (become_user(65534), 0); }) != 0) {
        PORTGUARD_SKIP("another user cannot be had");
    }
    ASSERT_EQ(folder_.write("ports.svg", "old"), picture());
    const Finished finished =
        portguard({"map", "--svg", picture()}, {.before_exec = [] { become_user(65534); }});
    EXPECT_TRUE(refused_with(finished, 2, {"svg=" + picture(), "may not make a file", "--svg=-"}));
    EXPECT_EQ(text(), "old");
}

} // namespace
} // namespace portguard::test
