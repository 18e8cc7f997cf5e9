// What a report's reader could act on never comes from a log.
#include "tools/events/events_report.h"

#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

#include "support/process.h"
#include "support/temporary_folder.h"
#include "tools/common/markup.h"
#include "tools/support/contrast.h"
#include "tools/support/event_samples.h"

namespace portguard::tools {
namespace {

using nlohmann::json;
using test::hostile_event;
using test::sample_event;
using test::scripted_event;

EventReport report_of(const std::vector<json>& events) {
    EventReport report;
    Folding folding;
    for (const json& event : events) {
        ParsedEvent parsed = parse_event(event.dump());
        EXPECT_TRUE(parsed.event.has_value()) << parsed.problem;
        ++report.events;
        folding.add({std::move(*parsed.event), report.events, "ports.log", report.events, report.events});
    }
    report.failures = folding.failures();
    return report;
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++found;
    }
    return found;
}

json numbered(int number) {
    json event = sample_event();
    event["port"] = 1000 + number;
    return event;
}

TEST(Markup, EscapesWhatWouldEndOrHide) {
    EXPECT_EQ(escaped_markup("a<b>&\"'c"), "a&lt;b&gt;&amp;&quot;&#39;c");
    EXPECT_EQ(escaped_markup("a\x1b\n\x7f"), "a\ufffd\ufffd\ufffd");
    EXPECT_EQ(escaped_markup("\u202eab\u2066\u0085"), "\ufffdab\ufffd\ufffd");
    EXPECT_EQ(escaped_markup("\xff\xc3(\xe2\x80"), "\ufffd\ufffd(\ufffd\ufffd");
    EXPECT_EQ(escaped_markup("Größe → 𝒳"), "Größe → 𝒳");
}

TEST(TextReport, SaysWhoFoughtOverWhat) {
    const std::string text = events_text(report_of({sample_event()}), false);
    for (const char* const part :
         {"#1 python3[5864]: bind tcp 127.0.0.1:40000: in use (EADDRINUSE)\n",
          "  times    2 times, 2026-11-22 18:01:24 ",
          "  cause    an outgoing connection of python3[5855] was given this port\n",
          "  asked    pytest[5800] > python3[5864]\n             python3 -m http.server\n",
          "  held     127.0.0.1:40000 → 127.0.0.1:7000 ESTABLISHED, SO_REUSEADDR off\n"
          "           pytest[5800] > python3[5855]\n             python3 uploader.py\n",
          "  replay   portguard repro ports.log --event 1\n", "  stack    python3.11+0x6932e9\n",
          "main at app.c:20\n", "1 failure in 1 event\n"}) {
        EXPECT_NE(text.find(part), std::string::npos) << part << "is not in\n" << text;
    }
    EXPECT_EQ(text.find("rescue"), std::string::npos) << "what helped at that moment is no advice now";
}

TEST(TextReport, ShowsAScriptInPlaceOfItsInterpreterAndAfterWhatThatCalled) {
    json event = scripted_event();
    const std::string script = "Server.start at /srv/app/serve.py:7\n           <string>\n           and ";
    const std::string plain = events_text(report_of({event}), false);
    EXPECT_NE(plain.find("  stack    " + script + "2 frames of app and others\n"), std::string::npos)
        << plain;
    std::swap(event["stack"][0], event["stack"][1]);
    event["stack"][0]["symbol"] = "open_door";
    const std::string called = events_text(report_of({event}), false);
    EXPECT_NE(
        called.find("  stack    open_door at app.c:20\n           " + script + "1 frame of python3.11\n"),
        std::string::npos)
        << called;
}

TEST(TextReport, IsHarmlessToATerminal) {
    const std::string text = events_text(report_of({hostile_event()}), false);
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char character) {
        return character == '\n' || static_cast<unsigned char>(character) >= ' ';
    })) << text;
    EXPECT_EQ(text.find("\n::error"), std::string::npos);
    EXPECT_EQ(text.find("\u202e"), std::string::npos);
}

TEST(GithubReport, IsOneWorkflowCommandALineWhateverTheNames) {
    const std::string text = events_github(report_of({hostile_event()}));
    EXPECT_EQ(count(text, "\n"), 1U) << text;
    EXPECT_TRUE(
        text.starts_with("::error title=bind tcp 127.0.0.1%3A40000%3A in use (EADDRINUSE)%2C 2 times::"))
        << text;
    EXPECT_NE(text.find("%250A"), std::string::npos) << "a percent sign of the log's own";
}

TEST(GithubReport, NamesALineOfTheWorkspace) {
    ::setenv("GITHUB_WORKSPACE", "/srv", 1);
    const std::string text = events_github(report_of({sample_event()}));
    ::unsetenv("GITHUB_WORKSPACE");
    EXPECT_TRUE(text.starts_with("::error file=app.c,line=20,title=")) << text;
}

TEST(GithubReport, NamesTheScriptsLineOfTheWorkspace) {
    ::setenv("GITHUB_WORKSPACE", "/srv", 1);
    const std::string text = events_github(report_of({scripted_event()}));
    json event = scripted_event();
    event["process"]["cwd"] = "/srv/app";
    event["script"][0]["file"] = "../lib/serve.py";
    const std::string relative = events_github(report_of({event}));
    event["script"][0]["file"] = "<frozen runpy>";
    const std::string none = events_github(report_of({event}));
    ::unsetenv("GITHUB_WORKSPACE");
    EXPECT_TRUE(text.starts_with("::error file=app/serve.py,line=7,title=")) << text;
    EXPECT_TRUE(relative.starts_with("::error file=lib/serve.py,line=7,title=")) << relative;
    EXPECT_TRUE(none.starts_with("::error file=app.c,line=20,title=")) << none;
}

TEST(GithubReport, SaysWhatGitHubWouldDrop) {
    std::vector<json> events;
    for (int number = 0; number < 12; ++number) {
        events.push_back(numbered(number));
    }
    const std::string text = events_github(report_of(events));
    EXPECT_EQ(count(text, "::error "), 10U);
    EXPECT_NE(text.find("::notice title=portguard::2 more"), std::string::npos) << text;
}

/// 32 that were asked for, one that was cured, and one conflict, seen last.
std::vector<json> mixed_events() {
    std::vector<json> events;
    for (int number = 0; number < 32; ++number) {
        events.push_back(numbered(number));
        events.back()["event"] = "injected";
    }
    events.push_back(numbered(900));
    events.back()["event"] = "cured";
    events.back()["errno"] = nullptr;
    events.push_back(numbered(901));
    return events;
}

TEST(GithubReport, ShowsAConflictBeforeWhatWasAskedFor) {
    const std::string text = events_github(report_of(mixed_events()));
    EXPECT_TRUE(text.starts_with("::error title=bind tcp 127.0.0.1%3A1901%3A in use")) << text;
    EXPECT_EQ(count(text, "::error "), 1U) << text;
    EXPECT_EQ(count(text, "::notice title=bind tcp"), 9U) << text;
}

TEST(JunitReport, CanBeReadWhateverTheNames) {
    json cured = sample_event();
    cured["event"] = "cured";
    cured["errno"] = nullptr;
    const test::TemporaryFolder folder;
    const std::string file =
        folder.write("junit.xml", events_junit(report_of({sample_event(), hostile_event(), cured})));
    const test::Finished finished = test::run_process(
        {.argv = {"python3", "-c",
                  "import sys, xml.etree.ElementTree as e\n"
                  "s = e.parse(sys.argv[1]).getroot()\n"
                  "print(s.get('tests'), s.get('failures'), len(s), len(s.findall('testcase/failure')))\n"
                  "print(s.find('testcase/failure').text.splitlines()[1])",
                  file}});
    EXPECT_EQ(finished.out, "3 2 3 2\nasked pytest[5800] > python3[5864]: python3 -m http.server\n")
        << finished;
}

TEST(JunitReport, OfNothingIsOneTestThatPassed) {
    const std::string text = events_junit({});
    EXPECT_EQ(count(text, "<testcase"), 1U);
    EXPECT_NE(text.find("tests=\"1\" failures=\"0\""), std::string::npos);
}

TEST(HtmlReport, HasNoElementOfTheLogs) {
    const std::string text = events_html(report_of({hostile_event()}));
    EXPECT_EQ(text.find("<script"), std::string::npos);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find("\u202e"), std::string::npos);
    EXPECT_NE(text.find("&lt;/p&gt;&lt;script&gt;"), std::string::npos);
}

TEST(HtmlReport, LoadsNothing) {
    const std::string text = events_html(report_of({sample_event()}));
    for (const char* const part : {"src=", "http:", "https:", "url(", "@import"}) {
        EXPECT_EQ(text.find(part), std::string::npos) << part;
    }
    EXPECT_NE(text.find("default-src 'none'"), std::string::npos);
}

TEST(HtmlReport, HasARowForEachPortAndAMarkThatLeadsToTheFailure) {
    const std::string text = events_html(report_of({numbered(1), numbered(2), numbered(2)}));
    EXPECT_EQ(count(text, "<text class=\"port\""), 2U);
    EXPECT_NE(text.find(">tcp 1001</text>"), std::string::npos);
    for (const char* const id : {"f1", "f2"}) {
        EXPECT_EQ(count(text, "href=\"#" + std::string(id) + "\""), 1U);
        EXPECT_EQ(count(text, "id=\"" + std::string(id) + "\""), 1U);
    }
}

TEST(HtmlReport, BeginsWithCountsAndWithWhatMattersMost) {
    EventReport report = report_of(mixed_events());
    report.files = {"ports.log"};
    const std::string text = events_html(report);
    const auto place_of = [&text](const std::string& part) {
        EXPECT_NE(text.find(part), std::string::npos) << part;
        return text.find(part);
    };
    EXPECT_LT(place_of(">1 in_use</span>"), place_of(">1 cured</span>"));
    EXPECT_LT(place_of(">1 cured</span>"), place_of(">32 injected</span>"));
    EXPECT_LT(place_of(">32 injected</span>"), place_of("<figure"));
    EXPECT_LT(place_of("ports.log · portguard "), place_of("<figure"));
    EXPECT_LT(place_of("<h2>bind tcp 127.0.0.1:1901: in use"),
              place_of("<h2>bind tcp 127.0.0.1:1900: cured"));
    EXPECT_LT(place_of("<article id=\"f1\" class=\"in_use\">"), place_of("class=\"injected\">\n<h2>"));
}

TEST(HtmlReport, CutsTheLeastImportantAndSaysHowMany) {
    std::vector<json> events;
    for (int number = 0; number < 250; ++number) {
        events.push_back(numbered(number));
        events.back()["event"] = number == 249 ? "in_use" : "injected";
    }
    const std::string text = events_html(report_of(events));
    EXPECT_EQ(count(text, "<article "), 200U);
    EXPECT_NE(text.find("127.0.0.1:1249: in use"), std::string::npos);
    EXPECT_NE(text.find("50 failures more"), std::string::npos);
    EXPECT_EQ(text.find("href=\"#f201\""), std::string::npos);
}

TEST(HtmlReport, CanBeReadByDaylightAndInTheDark) {
    const std::string text = events_html(report_of({sample_event()}));
    const std::size_t dark = text.find("prefers-color-scheme: dark");
    const auto colour = [&text](std::size_t from, const std::string& name) {
        const std::size_t at = text.find("--" + name + ": ", from) + name.size() + 4;
        return text.substr(at, text.find(';', at) - at);
    };
    using Pair = std::pair<const char*, const char*>;
    for (const std::size_t from : {text.find("color-scheme: light dark"), dark}) {
        for (const auto& [ink, paper] :
             {Pair{"ink", "page"}, Pair{"ink", "card"}, Pair{"ink", "code"}, Pair{"soft", "page"},
              Pair{"soft", "card"}, Pair{"card", "failed"}, Pair{"card", "denied"}, Pair{"card", "warned"},
              Pair{"card", "fine"}, Pair{"card", "ordered"}}) {
            EXPECT_GE(
                test::contrast(test::luminance(colour(from, ink)), test::luminance(colour(from, paper))),
                test::least_contrast)
                << ink << " on " << paper << " from " << from;
        }
    }
}

TEST(HtmlReport, StaysSmallForManyEvents) {
    std::vector<json> events;
    for (int number = 0; number < 5000; ++number) {
        events.push_back(numbered(number % 100));
    }
    const std::string text = events_html(report_of(events));
    EXPECT_EQ(count(text, "<text class=\"port\""), 41U) << "forty ports, and how many there are more";
    EXPECT_LT(text.size(), 2U << 20);
}

TEST(JsonReport, HasTheFirstEventAsItWas) {
    const json answer = json::parse(events_json(report_of({sample_event(), sample_event()})));
    EXPECT_EQ(answer["events"], 2);
    ASSERT_EQ(answer["failures"].size(), 1U);
    const json& failure = answer["failures"][0];
    EXPECT_EQ(failure["first_event"], sample_event());
    EXPECT_EQ(failure["numbers"], json::array({1, 2}));
    EXPECT_EQ(failure["times"], 4);
    EXPECT_EQ(failure["fights"][0]["held"]["command"], "python3 uploader.py");
}

} // namespace
} // namespace portguard::tools
