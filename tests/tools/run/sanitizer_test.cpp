// H17: AddressSanitizer refuses to start where its run-time is not the first object.
#include "tools/support/command.h"

namespace portguard::test {
namespace {

TEST(Sanitizer, AProgramBuiltWithItStartsUnderTheGuard) {
    const Finished finished = portguard({"run", PORTGUARD_SANITIZED_PROGRAM});
    EXPECT_TRUE(finished.exited_with(42)) << finished;
    EXPECT_EQ(finished.err, "");
}

} // namespace
} // namespace portguard::test
