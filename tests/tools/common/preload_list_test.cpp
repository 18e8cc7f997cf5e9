#include "tools/common/preload_list.h"

#include <gtest/gtest.h>

namespace portguard::tools {
namespace {

constexpr const char* shim = "/x/libportguard.so";

TEST(PreloadList, IsTheGuardAloneWhereNothingElseIs) {
    EXPECT_EQ(preload_list(shim, "", {}), shim);
    EXPECT_EQ(preload_list(shim, " : ", {"libc.so.6"}), shim);
}

TEST(PreloadList, KeepsOthersBehindTheGuardInTheirOrder) {
    EXPECT_EQ(preload_list(shim, "/a.so b.so:c.so", {}), "/x/libportguard.so:/a.so:b.so:c.so");
}

TEST(PreloadList, NamesTheGuardOnce) {
    for (const char* const existing : {"a.so:/x/libportguard.so", "/y/$LIB/libportguard.so:a.so",
                                       "/x/libportguard.so a.so:libportguard.so"}) {
        EXPECT_EQ(preload_list(shim, existing, {}), "/x/libportguard.so:a.so") << existing;
    }
}

TEST(PreloadList, LeavesASanitizerFirst) {
    EXPECT_EQ(preload_list(shim, "a.so:/usr/lib/libasan.so.8", {}),
              "/usr/lib/libasan.so.8:/x/libportguard.so:a.so");
    EXPECT_EQ(preload_list(shim, "libtsan.so.2:a.so", {}), "libtsan.so.2:/x/libportguard.so:a.so");
    EXPECT_EQ(preload_list(shim, "libclang_rt.asan-x86_64.so", {}),
              "libclang_rt.asan-x86_64.so:/x/libportguard.so");
}

TEST(PreloadList, PutsASanitizerThatTheProgramNeedsFirst) {
    EXPECT_EQ(preload_list(shim, "a.so", {"libasan.so.8", "libc.so.6"}),
              "libasan.so.8:/x/libportguard.so:a.so");
}

TEST(PreloadList, DoesNotRepeatASanitizerThatIsThere) {
    EXPECT_EQ(preload_list(shim, "/usr/lib/libasan.so.8", {"libasan.so.8", "libasan.so.8"}),
              "/usr/lib/libasan.so.8:/x/libportguard.so");
    EXPECT_EQ(preload_list(shim, "", {"libasan.so.8", "libasan.so.8"}), "libasan.so.8:/x/libportguard.so");
}

} // namespace
} // namespace portguard::tools
