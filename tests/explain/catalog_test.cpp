// The journal's catalog: each cause has one entry, and keeps its number.
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "explain/catalog.h"

namespace portguard::test {
namespace {

std::vector<Cause> all_causes() {
    return {
#define CAUSE(name, subject, meaning) Cause::name,
#include "explain/causes.def"
#undef CAUSE
    };
}

TEST(Catalog, ACauseKeepsItsNumberForEver) {
    EXPECT_EQ(message_id(Cause::outgoing_connection), "932350e2074d8cd2b8a3cc1db95964ac");
    EXPECT_EQ(message_id(Cause::listener_other_program), "2a4960bc74ae8cc5a9769652a2e9659a");
}

TEST(Catalog, EachCauseHasANumberOfItsOwnWhichIsAUuidOfVersionEight) {
    std::set<std::string> seen;
    for (const Cause cause : all_causes()) {
        const std::string id = message_id(cause);
        EXPECT_TRUE(seen.insert(id).second) << cause_name(cause);
        ASSERT_EQ(id.size(), 32U);
        EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << id;
        EXPECT_EQ(id[12], '8') << id;
        EXPECT_NE(std::string("89ab").find(id[16]), std::string::npos) << id;
    }
}

TEST(Catalog, EachCauseHasOneEntryWithASubjectAndAMeaningOfWholeSentences) {
    const std::string catalog = journal_catalog();
    for (const Cause cause : all_causes()) {
        const std::size_t start = catalog.find("-- " + message_id(cause) + "\nSubject: portguard: ");
        ASSERT_NE(start, std::string::npos) << cause_name(cause);
        const std::size_t body = catalog.find("\n\n", start);
        const std::size_t end = catalog.find("\n\nCause: " + std::string(cause_name(cause)) + "\n", body);
        ASSERT_NE(end, std::string::npos) << cause_name(cause);
        EXPECT_TRUE(catalog[end - 1] == '.' && end > body + 2) << cause_name(cause);
    }
    std::size_t entries = 0;
    std::istringstream lines(catalog);
    for (std::string line; std::getline(lines, line);) {
        entries += line.starts_with("-- ") ? 1 : 0;
        EXPECT_LE(line.size(), 80U) << line;
    }
    EXPECT_EQ(entries, all_causes().size());
}

} // namespace
} // namespace portguard::test
