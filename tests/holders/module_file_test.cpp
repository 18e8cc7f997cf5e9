// What the linker made of the module: read by the tools that a reader would use.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <set>
#include <sstream>
#include <string>

namespace portguard::test {
namespace {

// A sanitizer adds libraries and symbols of its own.
#if !PORTGUARD_SANITIZED

std::string output_of(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    std::string text;
    char piece[4096];
    for (std::size_t length = 0; (length = fread(piece, 1, sizeof piece, pipe.get())) != 0;) {
        text.append(piece, length);
    }
    return text;
}

std::set<std::string> words_of(const std::string& command) {
    std::istringstream text(output_of(command));
    std::set<std::string> words;
    for (std::string word; text >> word;) {
        words.insert(word);
    }
    return words;
}

TEST(ModuleFile, ExportsOneFunction) {
    EXPECT_EQ(words_of("nm -D --defined-only -j " PORTGUARD_MODULE),
              std::set<std::string>{"portguard_diagnose"});
}

TEST(ModuleFile, H51_ThrowsStayInsideTheModule) {
    const std::string undefined = output_of("nm -D --undefined-only " PORTGUARD_MODULE);
    EXPECT_EQ(undefined.find("_Unwind_"), std::string::npos) << undefined;
    EXPECT_EQ(undefined.find("__cxa_throw"), std::string::npos) << undefined;
}

TEST(ModuleFile, H26_RegistersNothingForTheExit) {
    const std::string undefined = output_of("nm -D --undefined-only " PORTGUARD_MODULE);
    for (const char* name :
         {"atexit", "pthread_atfork", "on_exit", "pthread_create", "__cxa_thread_atexit"}) {
        EXPECT_EQ(undefined.find(name), std::string::npos) << name;
    }
}

TEST(ModuleFile, NeedsNoLibraryBeyondLibunwind) {
    const std::set<std::string> allowed{"libunwind.so.8", "libc.so.6", "ld-linux-x86-64.so.2",
                                        "ld-linux-aarch64.so.1"};
    const std::string listing =
        "readelf -d " PORTGUARD_MODULE " | sed -n 's/.*(NEEDED).*\\[\\(.*\\)\\]/\\1/p'";
    for (const std::string& name : words_of(listing)) {
        EXPECT_TRUE(allowed.contains(name)) << name;
    }
}

#endif

} // namespace
} // namespace portguard::test
