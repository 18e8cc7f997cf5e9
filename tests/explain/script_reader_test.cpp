// Readers of interpreters' tables over memory that is made up.
#include <algorithm>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "explain/script_memory.h"
#include "explain/scripts/interpreter.h"

namespace portguard::test {
namespace {

enum class Answer { random, zero, itself, small };

/// What a program has that answers to every name and every address; what each reader asks first is right, so
/// that it goes on.
bool answer(Answer kind, std::uint64_t seed, std::uint64_t address, std::span<std::byte> out) {
    std::mt19937_64 random(address * 31 + seed);
    for (std::size_t at = 0; at < out.size(); ++at) {
        const std::uint64_t self = address + at - (address + at) % 8 + 1;
        const std::uint64_t value = kind == Answer::random   ? random()
                                    : kind == Answer::zero   ? 0
                                    : kind == Answer::itself ? self >> 8 * ((address + at) % 8)
                                                             : ((address + at) % 8 == 0 ? random() % 64 : 0);
        out[at] = static_cast<std::byte>(value);
    }
    return true;
}

TEST(ScriptReaders, EndInMemoryThatHasAnAnswerToEverythingAndFindNothing) {
    constexpr std::uint64_t ruby_version = 0x1000;
    constexpr std::uint64_t shift_size = 0x2000;
    constexpr std::uint64_t object_tag = 0x3000;
    std::vector<CallAddress> calls;
    for (std::uint64_t at = 0; at < 64; ++at) {
        calls.push_back({at * 4096, false, 0x7ff000 + at * 64});
    }
    const auto exported = [](std::string_view name) -> std::uint64_t {
        return name == "ruby_version"          ? ruby_version
               : name == "v8dbg_SmiShiftSize"  ? shift_size
               : name == "v8dbg_HeapObjectTag" ? object_tag
                                               : 0x10000 + std::hash<std::string_view>()(name) % 65536 * 8;
    };
    for (ScriptReader* const reader :
         {read_python_frames, read_ruby_frames, read_java_frames, read_node_frames}) {
        for (const Answer kind : {Answer::random, Answer::zero, Answer::itself, Answer::small}) {
            for (std::uint64_t seed = 0; seed < 10; ++seed) {
                const Deadline deadline(std::chrono::seconds(10));
                ScriptMemory memory(
                    [&](std::uint64_t address, std::span<std::byte> out) {
                        answer(kind, seed, address, out);
                        if (address == ruby_version) {
                            std::memcpy(out.data(), "3.1.2", std::min<std::size_t>(out.size(), 6));
                        } else if (address == shift_size || address == object_tag) {
                            const std::int32_t number = address == shift_size ? 31 : 1;
                            std::memcpy(out.data(), &number, sizeof number);
                        }
                        return true;
                    },
                    deadline);
                EXPECT_TRUE(reader({memory, exported, "python3.11", 4711, calls, 32}).empty())
                    << static_cast<int>(kind) << ' ' << seed;
                EXPECT_LE(memory.reads(), ScriptMemory::most_reads);
                EXPECT_FALSE(deadline.passed());
            }
        }
    }
}

TEST(ScriptMemory, ReadsNothingOnceTimeIsUp) {
    const Deadline passed(std::chrono::milliseconds(0));
    ScriptMemory memory([](std::uint64_t, std::span<std::byte>) { return true; }, passed);
    EXPECT_FALSE(memory.value<int>(8).has_value());
    EXPECT_EQ(memory.reads(), 0U);
}

TEST(ScriptMemory, TakesTextToItsEndAndNotBeyondThePageThatItEndsIn) {
    const Deadline deadline(std::chrono::seconds(10));
    const std::string page(4096, 'x');
    ScriptMemory memory(
        [&](std::uint64_t address, std::span<std::byte> out) {
            if (address + out.size() > 8192) {
                return false;
            }
            std::memset(out.data(), 'x', out.size());
            if (address + out.size() == 8192) {
                out.back() = std::byte{0};
            }
            return true;
        },
        deadline);
    EXPECT_EQ(memory.ended_text(8192 - 101, 4096), std::string(100, 'x'));
    EXPECT_EQ(memory.ended_text(4096, 100), "");
}

} // namespace
} // namespace portguard::test
