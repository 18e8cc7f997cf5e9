// What is executed beside any libc, and in a release without one that fits: no loader, no library.
#include <fstream>
#include <string>
#include <vector>

#include <elf.h>
#include <link.h>

#include "tools/support/command.h"

namespace portguard::test {
namespace {

/// The flags of each segment of `type`.
std::vector<ElfW(Word)> segments(const std::string& path, ElfW(Word) type) {
    std::vector<ElfW(Word)> found;
    std::ifstream file(path, std::ios::binary);
    ElfW(Ehdr) header{};
    file.read(reinterpret_cast<char*>(&header), sizeof header);
    file.seekg(static_cast<std::streamoff>(header.e_phoff));
    for (int index = 0; index < header.e_phnum && file; ++index) {
        ElfW(Phdr) segment{};
        file.read(reinterpret_cast<char*>(&segment), sizeof segment);
        if (segment.p_type == type) {
            found.push_back(segment.p_flags);
        }
    }
    return found;
}

bool has_segment(const std::string& path, ElfW(Word) type) {
    return !segments(path, type).empty();
}

TEST(Static, CommandAndHelperNeedNoLoaderAndNoLibrary) {
    for (const char* const path : {PORTGUARD_COMMAND, PORTGUARD_HELPER}) {
        EXPECT_TRUE(has_segment(path, PT_LOAD)) << path;
        EXPECT_FALSE(has_segment(path, PT_INTERP)) << path;
        EXPECT_FALSE(has_segment(path, PT_DYNAMIC)) << path;
    }
    EXPECT_TRUE(has_segment(PORTGUARD_SHIM, PT_DYNAMIC));
}

TEST(Static, NothingThatIsWrittenToIsExecutedAndWhatIsRelocatedIsReadOnlyThen) {
    for (const char* const path : {PORTGUARD_COMMAND, PORTGUARD_HELPER}) {
        EXPECT_TRUE(has_segment(path, PT_GNU_RELRO)) << path;
        EXPECT_TRUE(has_segment(path, PT_GNU_STACK)) << path;
        for (const auto type : {PT_LOAD, PT_GNU_STACK}) {
            for (const ElfW(Word) flags : segments(path, static_cast<ElfW(Word)>(type))) {
                EXPECT_NE(flags & (PF_W | PF_X), static_cast<ElfW(Word)>(PF_W | PF_X)) << path;
            }
        }
    }
}

TEST(Static, TheCommandStartsWhereNothingElseIs) {
    const TemporaryFolder folder;
    std::filesystem::copy_file(PORTGUARD_COMMAND, folder.path() / "portguard");
    const Finished finished =
        run_process({.argv = {"/usr/sbin/chroot", folder.path().string(), "/portguard", "config"}});
    if (finished.exited_with(125)) {
        GTEST_SKIP() << finished.err;
    }
    EXPECT_TRUE(finished.exited_with(0)) << finished;
    EXPECT_NE(finished.out, "");
}

} // namespace
} // namespace portguard::test
