#include <gtest/gtest.h>

#include "tools/schema.h"

namespace portguard::test {
namespace {

using Json = nlohmann::json;

TEST(Schema, OfTheTestRefusesWhatIsWrong) {
    const Json schema = schema_of("check");
    EXPECT_EQ(violation(schema, Json::object()), "$ has no schema");
    EXPECT_EQ(violation(schema["properties"]["netns"], Json("x"), "netns"), "netns is \"x\"");
    EXPECT_EQ(violation(schema["properties"]["plan"], {{"x", 1}}, "plan"), "plan has no listen");
}

} // namespace
} // namespace portguard::test
