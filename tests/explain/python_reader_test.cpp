// CPython's tables in memory that is made up: right, broken, endless.
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "explain/script_memory.h"
#include "explain/scripts/interpreter.h"
#include "explain/scripts/python_lines.h"

namespace portguard::test {
namespace {

constexpr pid_t tid = 4711;

/// 64 KiB from `start` on.
class Memory {
public:
    static constexpr std::uint64_t start = 0x10000;

    template <typename Value>
    void put(std::uint64_t address, Value value) {
        std::memcpy(&bytes_[address - start], &value, sizeof value);
    }
    void put_text(std::uint64_t address, const std::string& text) {
        std::memcpy(&bytes_[address - start], text.c_str(), text.size() + 1);
    }
    bool read(std::uint64_t address, std::span<std::byte> out) const {
        if (address < start || address - start > bytes_.size() ||
            bytes_.size() - (address - start) < out.size()) {
            return false;
        }
        std::memcpy(out.data(), &bytes_[address - start], out.size());
        return true;
    }
    std::vector<std::byte>& bytes() { return bytes_; }

private:
    std::vector<std::byte> bytes_ = std::vector<std::byte>(65536);
};

/// CPython 3.11, whose thread 4711 is in "inner" of "/srv/a.py", line 12, called by "outer", line 30.
struct Python {
    static constexpr std::uint64_t runtime = 0x10100;
    static constexpr std::uint64_t version = 0x10010;
    static constexpr std::uint64_t interpreter = 0x10200;
    static constexpr std::uint64_t thread = 0x10400;
    static constexpr std::uint64_t other_thread = 0x10600;
    static constexpr std::uint64_t cframe = 0x10800;
    static constexpr std::uint64_t inner_frame = 0x10900;
    static constexpr std::uint64_t outer_frame = 0x10a00;
    static constexpr std::uint64_t inner_code = 0x11000;
    static constexpr std::uint64_t outer_code = 0x11200;

    Python() {
        memory.put(version, std::uint32_t{0x030b02f0});
        memory.put(runtime + 40, interpreter);
        memory.put(interpreter + 16, other_thread);
        memory.put(other_thread + 8, thread);
        memory.put(other_thread + 160, std::uint64_t{1});
        memory.put(thread + 160, std::uint64_t{tid});
        memory.put(thread + 56, cframe);
        memory.put(cframe + 8, inner_frame);
        put_type(0x12000, "code");
        put_type(0x12100, "str");
        put_type(0x12200, "bytes");
        put_frame(inner_frame, outer_frame, inner_code);
        put_frame(outer_frame, 0, outer_code);
        put_code(inner_code, 0x13000, "inner", 12);
        put_code(outer_code, 0x14000, "outer", 30);
    }

    void put_type(std::uint64_t address, const std::string& name) {
        memory.put(address + 24, address + 64);
        memory.put_text(address + 64, name);
    }
    void put_frame(std::uint64_t address, std::uint64_t previous, std::uint64_t code) {
        memory.put(address + 32, code);
        memory.put(address + 48, previous);
        memory.put(address + 56, code + 184);
    }
    void put_str(std::uint64_t address, const std::string& text) {
        constexpr std::uint32_t ascii = 1 << 6 | 1 << 5 | 1 << 2;
        memory.put(address + 8, std::uint64_t{0x12100});
        memory.put(address + 16, std::uint64_t{text.size()});
        memory.put(address + 32, ascii);
        memory.put_text(address + 48, text);
    }
    void put_code(std::uint64_t address, std::uint64_t texts, const std::string& name, std::int32_t line) {
        memory.put(address + 8, std::uint64_t{0x12000});
        memory.put(address + 72, line);
        memory.put(address + 112, texts);
        memory.put(address + 128, texts + 0x100);
        memory.put(address + 136, texts + 0x200);
        put_str(texts, "/srv/a.py");
        put_str(texts + 0x100, name);
        memory.put(texts + 0x200 + 8, std::uint64_t{0x12200});
        memory.put(texts + 0x200 + 16, std::uint64_t{2});
        memory.put(texts + 0x200 + 32, std::uint16_t{0x00e8}); // no columns, one instruction, no further line
    }

    std::vector<ScriptFrame> read() {
        return read_with(
            [this](std::uint64_t address, std::span<std::byte> out) { return memory.read(address, out); });
    }
    std::vector<ScriptFrame> read_with(const ScriptMemory::Read& from) {
        const Deadline deadline(std::chrono::seconds(10));
        ScriptMemory script(from, deadline);
        const auto exported = [](std::string_view name) -> std::uint64_t {
            return name == "_PyRuntime" ? runtime : name == "Py_Version" ? version : 0;
        };
        std::vector<ScriptFrame> frames = read_python_frames({script, exported, "python3.11", tid, {}, 32});
        reads = script.reads();
        return frames;
    }

    Memory memory;
    std::size_t reads = 0;
};

TEST(PythonReader, ReadsTheThreadThatAsked) {
    Python python;
    const std::vector<ScriptFrame> frames = python.read();
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(describe(frames[0]), "inner at /srv/a.py:12");
    EXPECT_EQ(describe(frames[1]), "outer at /srv/a.py:30");
}

TEST(PythonReader, FindsNothingInAVersionThatItDoesNotKnow) {
    for (const std::uint32_t version : {0x020712f0U, 0x030800f0U, 0x030f00f0U, 0x040b00f0U, 0U}) {
        Python python;
        python.memory.put(Python::version, version);
        EXPECT_TRUE(python.read().empty()) << version;
    }
}

TEST(PythonReader, FindsNothingWhereTheThreadIsUnknownOrInTwoInterpreters) {
    Python unknown;
    unknown.memory.put(Python::thread + 160, std::uint64_t{1});
    EXPECT_TRUE(unknown.read().empty());
    Python doubled;
    doubled.memory.put(Python::other_thread + 160, std::uint64_t{tid});
    doubled.memory.put(Python::other_thread + 56, Python::cframe);
    EXPECT_TRUE(doubled.read().empty());
}

TEST(PythonReader, FindsNothingInCirclesAndEnds) {
    Python frames;
    frames.memory.put(Python::outer_frame + 48, Python::inner_frame);
    EXPECT_TRUE(frames.read().empty());
    Python threads;
    threads.memory.put(Python::thread + 8, Python::other_thread);
    threads.memory.put(Python::thread + 160, std::uint64_t{1});
    EXPECT_TRUE(threads.read().empty());
    EXPECT_LE(threads.reads, ScriptMemory::most_reads);
    Python interpreters;
    interpreters.memory.put(Python::interpreter, Python::interpreter);
    EXPECT_TRUE(interpreters.read().empty());
    EXPECT_LE(interpreters.reads, ScriptMemory::most_reads);
}

TEST(PythonReader, FindsNothingWhereAnObjectIsAnother) {
    for (const std::uint64_t type : {0x12000U, 0x12100U, 0x12200U}) {
        Python python;
        python.put_type(type, "list");
        const std::vector<ScriptFrame> frames = python.read();
        // Without its table a line is not known, and the rest is.
        EXPECT_EQ(frames.size(), type == 0x12200 ? 2U : 0U) << type;
        if (!frames.empty()) {
            EXPECT_EQ(describe(frames[0]), "inner at /srv/a.py");
        }
    }
}

TEST(PythonReader, EndsWhateverOneWordIs) {
    std::mt19937_64 random(7);
    for (std::size_t at = 0; at + 8 <= 0x4800; at += 8) {
        for (const std::uint64_t value : {std::uint64_t{0}, ~std::uint64_t{0}, Memory::start + at,
                                          Memory::start + random() % 65536, random()}) {
            Python python;
            python.memory.put(Memory::start + at, value);
            for (const ScriptFrame& frame : python.read()) {
                EXPECT_LE(frame.function.size() + frame.file.size(), 4 * longest_script_text);
            }
            EXPECT_LE(python.reads, ScriptMemory::most_reads);
        }
    }
}

TEST(PythonReader, EndsInMemoryThatHasAnAnswerToEverything) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        Python python;
        const auto anything = [&](std::uint64_t address, std::span<std::byte> out) {
            if (address == Python::version) {
                return python.memory.read(address, out);
            }
            std::mt19937_64 random(address + seed);
            for (std::byte& byte : out) {
                byte = static_cast<std::byte>(random());
            }
            return true;
        };
        EXPECT_TRUE(python.read_with(anything).empty());
        EXPECT_LE(python.reads, ScriptMemory::most_reads);
    }
}

std::vector<std::byte> table_of(std::initializer_list<int> bytes) {
    std::vector<std::byte> table;
    for (const int byte : bytes) {
        table.push_back(static_cast<std::byte>(byte));
    }
    return table;
}

TEST(PythonLines, FollowEachReleasesTable) {
    // 3.9: address 6 begins a line two further on, 10 one five back, 14 a line 200 further on in two steps.
    const auto lnotab = table_of({6, 2, 4, -5, 4, 127, 0, 73});
    for (const auto& [instruction, line] :
         std::map<std::size_t, int>{{0, 10}, {5, 10}, {6, 12}, {10, 7}, {14, 207}}) {
        EXPECT_EQ(python_line(0x0309, lnotab, 10, instruction), line) << instruction;
    }
    // 3.10: two instructions of line 10, one of none, two of line 13, then the end.
    const auto ranges = table_of({4, 0, 2, -128, 4, 3});
    for (const auto& [instruction, line] :
         std::map<std::size_t, int>{{0, 10}, {4, 0}, {6, 13}, {9, 13}, {10, 0}}) {
        EXPECT_EQ(python_line(0x030a, ranges, 10, instruction), line) << instruction;
    }
    // 3.11: a short one; one of the next line; a long one 40 lines back; none.
    const auto locations = table_of(
        {0x80 | 0 << 3 | 1, 0x00, 0x80 | 11 << 3, 0, 0, 0x80 | 14 << 3, 0x51, 0x01, 0, 0, 0, 0x80 | 15 << 3});
    for (const auto& [instruction, line] :
         std::map<std::size_t, int>{{0, 100}, {2, 100}, {4, 101}, {6, 61}, {8, 0}}) {
        EXPECT_EQ(python_line(0x030b, locations, 100, instruction), line) << instruction;
    }
}

TEST(PythonLines, EndInAnyTable) {
    std::mt19937 random(7);
    for (int round = 0; round < 2000; ++round) {
        std::vector<std::byte> table(random() % 64);
        for (std::byte& byte : table) {
            byte = static_cast<std::byte>(random());
        }
        for (const unsigned version : {0x0309U, 0x030aU, 0x030bU, 0x030eU}) {
            EXPECT_GE(python_line(version, table, static_cast<int>(random() % 1000), random()), 0);
        }
    }
}

} // namespace
} // namespace portguard::test
