#include "tools/common/script.h"

#include <gtest/gtest.h>

namespace portguard::tools {
namespace {

TEST(Script, IsWhatStartsWithTheMark) {
    EXPECT_FALSE(read_shebang(""));
    EXPECT_FALSE(read_shebang("#"));
    EXPECT_FALSE(read_shebang(" #!/bin/sh\n"));
    EXPECT_FALSE(read_shebang("#!"));
    EXPECT_FALSE(read_shebang("#!  \n/bin/sh\n"));
}

TEST(Script, HasAnInterpreterAndOneArgument) {
    const auto plain = read_shebang("#!/bin/sh\necho\n");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->interpreter, "/bin/sh");
    EXPECT_EQ(plain->argument, "");
    const auto with_argument = read_shebang("#! \t/usr/bin/env  -S python3 -u \t\nprint()\n");
    ASSERT_TRUE(with_argument);
    EXPECT_EQ(with_argument->interpreter, "/usr/bin/env");
    EXPECT_EQ(with_argument->argument, "-S python3 -u");
}

TEST(Script, NeedsNoNewline) {
    EXPECT_EQ(read_shebang("#!/bin/sh -e")->argument, "-e");
}

TEST(Script, IsReadOnlyAsFarAsTheKernelReads) {
    EXPECT_EQ(read_shebang("#!/" + std::string(1000, 'x'))->interpreter.size(), 254U);
}

} // namespace
} // namespace portguard::tools
