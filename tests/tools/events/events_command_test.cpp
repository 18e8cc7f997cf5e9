#include "tools/support/command.h"
#include "tools/support/event_samples.h"

namespace portguard::test {
namespace {

using nlohmann::json;

json changed(const char* pointer, const json& value) {
    json event = sample_event();
    event[json::json_pointer(pointer)] = value;
    return event;
}

struct EventsCommand : testing::Test {
    TemporaryFolder folder;
    std::string log = folder.write("ports.log", line_of(sample_event()));

    std::string log_of(const std::vector<json>& events) const {
        std::string text;
        for (const json& event : events) {
            text += line_of(event);
        }
        return folder.write("some.log", text);
    }
};

TEST_F(EventsCommand, ShowsFailuresAndExitsWithOne) {
    const Finished finished = portguard({"events", log});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_TRUE(finished.out.starts_with("#1 python3[5864]: bind tcp 127.0.0.1:40000: in use (EADDRINUSE)\n"))
        << finished;
    EXPECT_EQ(finished.err, "");
}

TEST_F(EventsCommand, ExitsWithZeroWhereNothingFailed) {
    EXPECT_TRUE(portguard({"events", folder.write("empty", "")}).exited_with(0));
    json cured = sample_event();
    cured["event"] = "cured";
    cured["errno"] = nullptr;
    EXPECT_TRUE(portguard({"events", log_of({cured})}).exited_with(0));
}

TEST_F(EventsCommand, IsNotEndedByAnEventOfAnyDepth) {
    const std::string line = sample_event().dump();
    constexpr std::size_t depth = 400'000;
    const std::string deep = line.substr(0, line.size() - 1) + ",\"x\":" + std::string(depth, '[') +
                             std::string(depth, ']') + "}\n";
    const Finished finished = portguard({"events", folder.write("deep.log", deep + line + "\n"), "--json"});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    const json answer = json::parse(finished.out);
    EXPECT_EQ(answer["events"], 1);
    EXPECT_NE(answer["unread"][0].get<std::string>().find("nested more than 64 deep"), std::string::npos);
}

TEST_F(EventsCommand, NamesWhatItCouldNotRead) {
    const std::string bad = folder.write("bad", line_of(sample_event()) + "{\n");
    const Finished finished = portguard({"events", bad});
    EXPECT_EQ(finished.err, "portguard: " + bad + ":2: it is not JSON\n");
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    EXPECT_NE(finished.out.find("1 failure in 1 event; not everything could be read\n"), std::string::npos);
    EXPECT_TRUE(portguard({"events", folder.file("none")}).exited_with(2));
}

TEST_F(EventsCommand, ReadsStandardInput) {
    const Finished finished =
        run_process({.argv = {"sh", "-c", "exec \"$0\" events --json - <\"$1\"", PORTGUARD_COMMAND, log},
                     .environment = command_spec({}).environment});
    EXPECT_EQ(json::parse(finished.out)["failures"].size(), 1U) << finished;
}

TEST_F(EventsCommand, FiltersByWhatAnEventHas) {
    const std::string some = log_of(
        {sample_event(), changed("/event", "refused"), changed("/port", 8080), changed("/call", "listen"),
         changed("/cause", "self"), changed("/process/ancestors/0/pid", 99),
         changed("/process/exe", "/usr/sbin/nginx"), changed("/time", "2026-11-23T00:00:00.000Z")});
    const std::pair<Words, int> cases[] = {
        {{}, 8},
        {{"--event=refused"}, 1},
        {{"--port=8000-8999"}, 1},
        {{"--call=bind"}, 7},
        {{"--cause=self"}, 1},
        {{"--pid=5864"}, 8},
        {{"--pid=99"}, 1},
        {{"--program=nginx"}, 1},
        {{"--since=2026-11-23"}, 1},
        {{"--until=2026-11-22T18:02"}, 7},
        {{"--event=in_use", "--cause=outgoing_connection", "--port=40000"}, 5},
    };
    for (const auto& [filters, expected] : cases) {
        Words words{"events", "--json", some};
        words.insert(words.end(), filters.begin(), filters.end());
        EXPECT_EQ(json::parse(portguard(words).out)["events"], expected)
            << (filters.empty() ? "" : filters.front());
    }
}

TEST_F(EventsCommand, RefusesAFilterThatNoEventPasses) {
    for (const char* const filter :
         {"--event=inuse", "--call=accept", "--cause=bad_luck", "--port=x", "--pid=0", "--since=soon"}) {
        EXPECT_TRUE(refused_with(portguard({"events", filter, log}), 2, {std::string(filter)})) << filter;
    }
}

TEST_F(EventsCommand, WritesFilesBesidesItsAnswer) {
    const std::string junit = folder.file("ports.xml");
    const std::string html = folder.file("ports.html");
    const Finished finished = portguard({"events", "--github", "--junit", junit, "--html", html, log});
    EXPECT_TRUE(finished.out.starts_with("::error ")) << finished;
    EXPECT_GT(std::filesystem::file_size(junit), 0U);
    EXPECT_GT(std::filesystem::file_size(html), 0U);
    EXPECT_TRUE(refused_with(portguard({"events", "--html", folder.file("no/such"), log}), 2, {"no/such"}));
}

TEST_F(EventsCommand, WritesToStdoutNothingButTheFileThatIsToGoThere) {
    const Finished page = portguard({"events", "--html=-", log});
    EXPECT_TRUE(page.out.starts_with("<!DOCTYPE html>") && page.out.ends_with("</html>\n")) << page;
    const Finished cases = portguard({"events", "--junit=-", log});
    EXPECT_TRUE(cases.out.starts_with("<?xml") && cases.out.ends_with(">\n")) << cases;
}

} // namespace
} // namespace portguard::test
