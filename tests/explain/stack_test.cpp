// The stack in a report: unwound in another process, from copied bytes, it is what libunwind finds in this
// one.
#include <array>
#include <csignal>
#include <string>
#include <thread>

#include <sys/mman.h>
#include <ucontext.h>

#include "explain/stack_fixture.h"
#include "explain/unwind_frames.h"

namespace portguard::test {
namespace {

TEST_F(StackOf, CallsIsWhatLibunwindFindsHere) {
    take();
    expect_same(5);
}

TEST_F(StackOf, RecursionWithoutFramePointers) {
    call_through_frames(60, [this] { take(); });
    expect_same(60);
}

TEST_F(StackOf, AThread) {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP()
        << "the test itself forks beside a thread of its own, which TSan's run-time does not survive";
#endif
    std::thread([this] { call_through_frames(3, [this] { take(); }); }).join();
    expect_same(5);
}

StackOf* test_of_handler = nullptr;

class Handler : public StackOf {
protected:
    void SetUp() override {
#ifdef __SANITIZE_THREAD__
        GTEST_SKIP() << "the test's own handler forks, and TSan's run-time allocates for that";
#else
        StackOf::SetUp();
#endif
    }

    void take_in_handler() {
        test_of_handler = this;
        std::vector<char> memory(256 * 1024);
        stack_t alternate{memory.data(), 0, memory.size()};
        ASSERT_EQ(sigaltstack(&alternate, nullptr), 0);
        struct sigaction action {};
        action.sa_handler = [](int) { static_cast<Handler*>(test_of_handler)->take(); };
        action.sa_flags = SA_ONSTACK;
        ASSERT_EQ(sigaction(SIGUSR1, &action, nullptr), 0);
        call_through_frames(3, [] { raise(SIGUSR1); });
        alternate.ss_flags = SS_DISABLE;
        sigaltstack(&alternate, nullptr);
    }
};

TEST_F(Handler, OnAnAlternateStackReachesWhatItInterrupted) {
    has_memory = true;
    take_in_handler();
    expect_same(8);
}

TEST_F(Handler, WithoutTheProgramsMemorySaysThatItEndsThere) {
    take_in_handler();
    EXPECT_LT(found().size(), expected.size());
    EXPECT_TRUE(is_missing("the outer part of the stack")) << event;
}

class Coroutine : public StackOf {
protected:
    static constexpr std::size_t size = 64 * 1024;

    void take_in_coroutine() {
        static Coroutine* test = nullptr;
        test = this;
        void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ASSERT_NE(memory, MAP_FAILED);
        ucontext_t here{};
        ucontext_t coroutine{};
        getcontext(&coroutine);
        coroutine.uc_stack.ss_sp = memory;
        coroutine.uc_stack.ss_size = size;
        coroutine.uc_link = &here;
        makecontext(
            &coroutine, [] { call_through_frames(2, [] { test->take(); }); }, 0);
        ASSERT_EQ(swapcontext(&here, &coroutine), 0);
        munmap(memory, size);
    }
};

TEST_F(Coroutine, Of64KiB) {
#if PORTGUARD_SANITIZED
    GTEST_SKIP() << "ASan takes another stack for an overflow of this one";
#endif
#if defined(__aarch64__)
    // qemu-user, where this runs, copies all of what a call names or nothing: here the stack ends before it.
    has_memory = true;
#elif defined(__i386__)
    // libunwind goes on by the frame pointer that is left of who made the coroutine, on that one's stack.
    has_memory = true;
#endif
    take_in_coroutine();
    expect_same(5);
}

// As a program is that was built without unwind tables, and with debug information.
class DebugFrame : public StackOf {
protected:
    void take_without_eh_frame() {
        const auto take = [](void* test) { static_cast<DebugFrame*>(test)->take(); };
        call_through_frames(1, [this, take] { portguard_test_without_eh_frame(take, this); });
    }
};

TEST_F(DebugFrame, IsReadWhereThereIsNoEhFrame) {
    take_without_eh_frame();
    EXPECT_EQ(event["missing"], json::array());
#if PORTGUARD_STRIPPED
    EXPECT_EQ(found(), expected);
#else
    EXPECT_TRUE(has_function("portguard_test_without_eh_frame")) << event;
    EXPECT_TRUE(has_function("call_through_frames")) << event;
#endif
}

TEST_F(StackOf, MoreThan64KiBIsCutAndSaysSo) {
    call_through_large_frames(30, [this] { take(); });
    EXPECT_GE(found().size(), 10U);
    EXPECT_LT(found().size(), expected.size());
    EXPECT_TRUE(is_missing("the outer part of the stack (only the innermost 64 KiB are copied)")) << event;
}

TEST_F(StackOf, MoreThan64KiBIsWholeWithTheProgramsMemory) {
    has_memory = true;
    call_through_large_frames(30, [this] { take(); });
    expect_same(30);
}

TEST_F(StackOf, NothingThatWasCopiedIsNeededWithTheProgramsMemory) {
    has_memory = true;
    copied_stack = 0;
    // Nobody runs on meanwhile: the frames are there.
    take();
    EXPECT_GE(found().size(), 5U) << event;
}

TEST_F(StackOf, HasAsManyFramesAsAskedFor) {
    config.limits.stack_depth = 2;
    take();
    EXPECT_EQ(event["stack"].size(), 2U);
    config.limits.stack_depth = 0;
    take();
    EXPECT_EQ(event["stack"], json::array());
}

TEST_F(StackOf, HasNamesBuildIdsAndLines) {
    call_through_frames(1, [this] { take(); });
    const std::string text = event["stack"].dump();
    EXPECT_NE(text.find("libc.so.6"), std::string::npos) << text;
    EXPECT_TRUE(event["stack"][0]["build_id"].is_string()) << text;
#if PORTGUARD_STRIPPED
    EXPECT_FALSE(has_function("call_through_frames")) << text;
#else
    EXPECT_TRUE(has_function("call_through_frames")) << text;
    EXPECT_NE(text.find("unwind_frames.cpp"), std::string::npos) << text;
#endif
}

TEST_F(StackOf, ACorruptStackEndsTheWalkAndNotTheHelper) {
    const auto code = reinterpret_cast<std::uintptr_t>(&call_through_frames);
    std::array<std::uint64_t, 512> garbage{};
    std::uint32_t random = 7;
    for (std::uint64_t& word : garbage) {
        random = random * 1664525 + 1013904223;
        word = random % 3 == 0 ? code + random % 4096 : std::uint64_t{random} << 16;
    }
    const auto inside = reinterpret_cast<std::uintptr_t>(garbage.data());
    constexpr auto elsewhere = static_cast<std::uintptr_t>(0x7000'7000'0000);
    for (const std::uintptr_t stack :
         {std::uintptr_t{0}, std::uintptr_t{8}, ~std::uintptr_t{7}, elsewhere, inside, inside + 1}) {
        for (const std::uintptr_t instruction : {code + 20, stack}) {
            for (const bool memory : {false, true}) {
                ucontext_t context{};
#if defined(__x86_64__)
                context.uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(instruction);
                context.uc_mcontext.gregs[REG_RSP] = static_cast<greg_t>(stack);
                context.uc_mcontext.gregs[REG_RBP] = static_cast<greg_t>(stack);
#elif defined(__aarch64__)
                context.uc_mcontext.pc = instruction;
                context.uc_mcontext.sp = context.uc_mcontext.regs[29] = stack;
#elif defined(__i386__)
                context.uc_mcontext.gregs[REG_EIP] = static_cast<greg_t>(instruction);
                context.uc_mcontext.gregs[REG_ESP] = static_cast<greg_t>(stack);
                context.uc_mcontext.gregs[REG_EBP] = static_cast<greg_t>(stack);
#endif
                FailedCall call(socket, loopback(port));
                call.has_memory = memory;
                call.snapshot.config = config;
                EXPECT_EQ(explain(call, context, helper).status, explained_mark | explained_told) << stack;
            }
        }
    }
}

} // namespace
} // namespace portguard::test
