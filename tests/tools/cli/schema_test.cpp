#include <algorithm>

#include <gtest/gtest.h>

#include "tools/cli/command.h"
#include "tools/support/command.h"
#include "tools/support/schema.h"

namespace portguard::test {
namespace {

using Json = nlohmann::json;

TEST(Schema, OfTheTestRefusesWhatIsWrong) {
    const Json schema = schema_of("check");
    EXPECT_EQ(violation(schema, Json::object()), "$ has no schema");
    EXPECT_EQ(violation(schema["properties"]["netns"], Json("x"), "netns"), "netns is \"x\"");
    EXPECT_EQ(violation(schema["properties"]["plan"], {{"x", 1}}, "plan"), "plan has no listen");
}

TEST(Schema, StandsBesideEveryCommandWithJsonAndItsHelpNamesIt) {
    int count = 0;
    for (const tools::Command* const command : tools::all_commands()) {
        const auto parameters = tools::parameters_of(*command);
        const bool has_json = std::any_of(parameters.begin(), parameters.end(),
                                          [](const auto& parameter) { return parameter.name == "json"; });
        if (!has_json) {
            continue;
        }
        ++count;
        const std::string name(command->name);
        EXPECT_EQ(schema_of(name)["title"], "portguard " + name + " --json, schema 1");
        EXPECT_EQ(schema_of(name)["$id"], "urn:portguard:schema:1:" + name);
        EXPECT_NE(portguard({"help", name}).out.find("share/portguard/" + name + ".schema.json"),
                  std::string::npos);
        const Finished finished =
            run_process({.argv = {"python3", "-c",
                                  "import json, sys, jsonschema\n"
                                  "schema = json.load(open(sys.argv[1]))\n"
                                  "jsonschema.Draft202012Validator.check_schema(schema)",
                                  PORTGUARD_SCHEMAS "/" + name + ".schema.json"}});
        EXPECT_TRUE(finished.exited_with(0)) << finished;
    }
    EXPECT_GE(count, 9);
}

TEST(Schema, OfCiHasTheFailuresOfEvents) {
    EXPECT_EQ(schema_of("ci")["properties"]["failures"], schema_of("events")["properties"]["failures"]);
}

TEST(Schema, OfWhoAndRescueHaveTheSameHolders) {
    EXPECT_EQ(schema_of("who")["$defs"], schema_of("rescue")["$defs"]);
}

TEST(Schema, IsFollowedThroughItsReferences) {
    Json schema = schema_of("map");
    schema["properties"] = {{"processes", {{"$ref", "#/$defs/processes"}}}};
    schema["required"] = {"processes"};
    const Json wrong{{"processes", {{{"pid", "one"}, {"comm", nullptr}, {"uid", nullptr}}}}};
    EXPECT_EQ(violation(schema, wrong), "$.processes[0].pid is \"one\"");
}

} // namespace
} // namespace portguard::test
