// The stack in a report, and what walking it must not do to the program.
#include <csignal>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "holders/module_fixture.h"
#include "support/child.h"

namespace portguard::test {
namespace {

class StackOf : public ModuleTest {
protected:
    void SetUp() override {
        ModuleTest::SetUp();
        config.format = Format::json;
        config.diagnosis = Diagnosis::stack;
    }

public:
    /// Each on a port of its own, so that none is folded into another.
    std::string report_from_here() {
        address = wildcard(next_port++);
        SeamRequest report = request(Phase::report, socket, address);
        written.clear();
        getcontext(&context);
        EXPECT_EQ(diagnose(&report), 0);
        return written;
    }

protected:
    static bool has(const std::string& text, const std::string& words) {
        return text.find(words) != std::string::npos;
    }

    Fd socket = tcp_socket();
    Address address;
    std::uint16_t next_port = 20000;
};

[[gnu::noinline]] std::string call_deep_down(const std::function<std::string()>& report) {
    std::string text = report();
    asm volatile("" ::: "memory");
    return text;
}

TEST_F(StackOf, NamesTheFunctionThatCalled) {
    const std::string text = call_deep_down([this] { return report_from_here(); });
    EXPECT_TRUE(has(text, "call_deep_down")) << text;
    EXPECT_TRUE(has(text, "\"build_id\":\"")) << text;
    EXPECT_TRUE(has(text, "libc.so.6")) << text;
}

TEST_F(StackOf, HasAsManyFramesAsAskedFor) {
    config.stack_depth = 2;
    const std::string text = report_from_here();
    std::size_t frames = 0;
    for (std::size_t at = text.find("\"module\":"); at != std::string::npos;
         at = text.find("\"module\":", at + 1)) {
        ++frames;
    }
    EXPECT_EQ(frames, 2U);
    config.stack_depth = 0;
    EXPECT_TRUE(has(report_from_here(), "\"stack\":[]"));
}

// As large as the stack that the preloaded object brings along for the module.
TEST_F(StackOf, TheWalkCrossesASignalOnAnAlternateStack) {
#if PORTGUARD_SANITIZED
    GTEST_SKIP() << "the report of a signal handler allocates, as documented, and a sanitizer objects";
#endif
    static StackOf* test = nullptr;
    static std::string text;
    test = this;
    std::vector<char> memory(448 * 1024);
    stack_t alternate{memory.data(), 0, memory.size()};
    ASSERT_EQ(sigaltstack(&alternate, nullptr), 0);
    struct sigaction action {};
    action.sa_handler = [](int) { text = test->report_from_here(); };
    action.sa_flags = SA_ONSTACK;
    ASSERT_EQ(sigaction(SIGUSR1, &action, nullptr), 0);
    call_deep_down([] {
        raise(SIGUSR1);
        return std::string();
    });
    EXPECT_TRUE(has(text, "call_deep_down")) << text;
    alternate.ss_flags = SS_DISABLE;
    sigaltstack(&alternate, nullptr);
}

#if defined(__x86_64__)
// Values, not getcontext(3): what it returns to must not be what is corrupt.
ucontext_t context_with(std::uintptr_t instruction, std::uintptr_t stack) {
    ucontext_t made{};
    made.uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(instruction);
    made.uc_mcontext.gregs[REG_RSP] = static_cast<greg_t>(stack);
    made.uc_mcontext.gregs[REG_RBP] = static_cast<greg_t>(stack);
    return made;
}

TEST_F(StackOf, ACorruptStackEndsTheWalkAndNotTheProgram) {
    const auto code = reinterpret_cast<std::uintptr_t>(&call_deep_down);
    for (const std::uintptr_t garbage :
         {std::uintptr_t{0}, std::uintptr_t{8}, ~std::uintptr_t{7}, std::uintptr_t{0x7000'0000'0000}}) {
        for (const std::uintptr_t instruction : {code + 20, garbage}) {
            context = context_with(instruction, garbage);
            address = wildcard(next_port++);
            SeamRequest report = request(Phase::report, socket, address);
            EXPECT_EQ(diagnose(&report), 0);
        }
    }
}
#endif

TEST_F(StackOf, H45_NothingIsWrittenIntoAFileThatTookAnOldDescriptorsPlace) {
    EXPECT_EQ(result_in_child([this] {
                  report_from_here();
                  closefrom(3);
                  char path[] = "/tmp/portguard-h45-XXXXXX";
                  std::vector<int> files;
                  for (int count = 0; count < 20; ++count) {
                      std::memcpy(path + sizeof path - 7, "XXXXXX", 6);
                      files.push_back(mkstemp(path));
                      unlink(path);
                  }
                  report_from_here();
                  for (const int file : files) {
                      struct stat about {};
                      if (fstat(file, &about) != 0 || about.st_size != 0) {
                          return 1;
                      }
                  }
                  return 0;
              }),
              0);
}

TEST_F(StackOf, ExceptionsOfTheProgramWorkBeforeAndAfter) {
    for (int round = 0; round < 3; ++round) {
        bool caught = false;
        try {
            call_deep_down([]() -> std::string { throw std::runtime_error("mine"); });
        } catch (const std::runtime_error&) {
            caught = true;
        }
        EXPECT_TRUE(caught);
        report_from_here();
    }
}

TEST_F(StackOf, WithoutADescriptorToBeHadTheRestIsTold) {
#if PORTGUARD_SANITIZED
    GTEST_SKIP() << "UBSan asks for a descriptor of its own to look at an object";
#endif
    EXPECT_EQ(result_in_child([this] {
                  config.diagnosis = Diagnosis::full;
                  const rlimit none{0, 0};
                  setrlimit(RLIMIT_NOFILE, &none);
                  const std::string text = report_from_here();
                  return has(text, "\"unknown\"") && has(text, "EMFILE") ? 0 : 1;
              }),
              0);
}

} // namespace
} // namespace portguard::test
