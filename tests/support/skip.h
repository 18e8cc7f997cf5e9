// A skip that a CI job can forbid: a suite that skips everything is green and says nothing.
#pragma once

#include <cstdlib>
#include <string_view>

#include <gtest/gtest.h>

namespace portguard::test {

inline bool skipping_is_forbidden() {
    const char* value = std::getenv("PORTGUARD_TEST_NO_SKIP");
    return value != nullptr && std::string_view(value) == "1";
}

} // namespace portguard::test

/// Leaves the test as skipped, or as failed where PORTGUARD_TEST_NO_SKIP=1. Returns from the function it is
/// in, so it belongs in a test body or SetUp.
#define PORTGUARD_SKIP(reason)                                                                               \
    do {                                                                                                     \
        if (::portguard::test::skipping_is_forbidden()) {                                                    \
            FAIL() << "skipping is forbidden here (PORTGUARD_TEST_NO_SKIP=1): " << (reason);                 \
        }                                                                                                    \
        GTEST_SKIP() << (reason);                                                                            \
    } while (false)
