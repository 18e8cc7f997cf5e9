// What stands in .gopclntab, by tables of every version that Go has had.
#include "explain/go_table.h"

#include <gtest/gtest.h>

#include "explain/stack_lines.h"
#include "go_table_writer.h"

namespace portguard::test {
namespace {

class TableOfGo : public testing::TestWithParam<GoVersion> {
protected:
    const std::vector<std::byte> bytes = GoTableWriter(GetParam()).bytes();
};

TEST_P(TableOfGo, NamesFunctionsAndTheirEnds) {
    const auto table = GoTable::read(bytes, 0);
    ASSERT_TRUE(table.has_value());
    for (const std::uint64_t outside : {0x0ULL, 0xfffULL, 0x1100ULL, ~0ULL}) {
        EXPECT_FALSE(table->find(outside).has_value()) << outside;
    }
    for (const std::uint64_t of_main : {0x1000ULL, 0x103fULL}) {
        const auto function = table->find(of_main);
        ASSERT_TRUE(function.has_value()) << of_main;
        EXPECT_EQ(function->entry, 0x1000U);
        EXPECT_EQ(table->name_of(*function), "main.main");
    }
    for (const std::uint64_t of_net : {0x1040ULL, 0x10ffULL}) {
        const auto function = table->find(of_net);
        ASSERT_TRUE(function.has_value()) << of_net;
        EXPECT_EQ(table->name_of(*function), "net.(*netFD).listenStream");
    }
}

TEST_P(TableOfGo, HasFilesLinesAndFrameSizes) {
    const auto table = GoTable::read(bytes, 0);
    ASSERT_TRUE(table.has_value());
    const auto of_main = table->find(0x1000);
    const auto of_net = table->find(0x1040);
    ASSERT_TRUE(of_main.has_value() && of_net.has_value());
    EXPECT_EQ(table->line_of(*of_main, 0x1020).file, "/src/main.go");
    EXPECT_EQ(table->line_of(*of_main, 0x1020).line, 7);
    EXPECT_EQ(table->line_of(*of_net, 0x104f).file, "/src/sock_posix.go");
    EXPECT_EQ(table->line_of(*of_net, 0x104f).line, 80);
    EXPECT_EQ(table->line_of(*of_net, 0x1050).line, 90);
    EXPECT_EQ(table->frame_size(*of_main, 0x1020), 0U);
    EXPECT_EQ(table->frame_size(*of_net, 0x1047), 0U);
    EXPECT_EQ(table->frame_size(*of_net, 0x1048), 104U);
    EXPECT_EQ(table->frame_size(*of_net, 0x1100), std::nullopt) << "behind its end";
}

TEST_P(TableOfGo, MayBeCutAnywhereAndHaveAnyByte) {
    const auto ask_all = [](std::span<const std::byte> given) {
        const auto table = GoTable::read(given, 0);
        for (std::uint64_t address = 0xff0; table.has_value() && address < 0x1110; address += 8) {
            if (const auto function = table->find(address)) {
                EXPECT_LE(table->name_of(*function).size(), given.size());
                EXPECT_LE(table->line_of(*function, address).file.size(), given.size());
                static_cast<void>(table->frame_size(*function, address));
            }
        }
    };
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        // On the heap, so that AddressSanitizer sees its end.
        ask_all(std::vector<std::byte>(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)));
    }
    for (std::size_t index = 0; index < bytes.size(); ++index) {
        for (const unsigned value : {0x00U, 0x7fU, 0x80U, 0xffU}) {
            std::vector<std::byte> changed = bytes;
            changed[index] = static_cast<std::byte>(value);
            ask_all(changed);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(OfVersion, TableOfGo,
                         testing::Values(GoVersion::go_1_2, GoVersion::go_1_16, GoVersion::go_1_18,
                                         GoVersion::go_1_20),
                         [](const testing::TestParamInfo<GoVersion>& version) {
                             return "magic_" + std::to_string(static_cast<std::uint32_t>(version.param));
                         });

TEST(GoTable, CountsFromWhereALoaderPutsTheCode) {
    std::vector<std::byte> bytes = GoTableWriter(GoVersion::go_1_20).bytes();
    constexpr std::size_t text_start_at = 8 + 2 * 8;
    const std::uint64_t zero = 0;
    std::memcpy(bytes.data() + text_start_at, &zero, sizeof zero);
    const auto table = GoTable::read(bytes, 0x5000);
    ASSERT_TRUE(table.has_value());
    const auto function = table->find(0x5041);
    ASSERT_TRUE(function.has_value());
    EXPECT_EQ(table->name_of(*function), "net.(*netFD).listenStream");
    EXPECT_EQ(table->frame_size(*function, 0x5048), 104U);
}

TEST(GoTable, IsNotMadeOfOtherBytes) {
    for (const std::size_t size : {0U, 4U, 8U, 64U}) {
        EXPECT_FALSE(GoTable::read(std::vector<std::byte>(size), 0).has_value());
    }
    EXPECT_FALSE(find_go_table(*ElfImage::open("/proc/self/exe")).has_value()) << "C++ has none";
}

std::vector<Frame> frames_of(std::initializer_list<const char*> symbols) {
    std::vector<Frame> frames;
    for (const char* const symbol : symbols) {
        frames.emplace_back().symbol = symbol;
        frames.back().file = "/a.go";
        frames.back().line = 1;
    }
    return frames;
}

TEST(StackOfGo, BeginsWhereTheProgramCalledTheLibrary) {
    const auto lines = [](std::initializer_list<const char*> symbols) {
        std::string text;
        for (const std::string& line : stack_lines(frames_of(symbols), {}, 10).lines) {
            text += line.substr(0, line.find(" at ")) + "\n";
        }
        return text;
    };
    EXPECT_EQ(lines({"runtime/internal/syscall.Syscall6", "syscall.bind", "net.(*netFD).listenStream",
                     "net.(*ListenConfig).Listen", "go.etcd.io/etcd/embed.(*Etcd).Start", "main.main",
                     "runtime.main"}),
              "net.(*ListenConfig).Listen\ngo.etcd.io/etcd/embed.(*Etcd).Start\nmain.main\n");
    EXPECT_EQ(lines({"internal/runtime/syscall.Syscall6", "syscall.Bind", "main.open[...]", "main.main"}),
              "main.open[...]\nmain.main\n");
    EXPECT_EQ(lines({"syscall.bind", "net.(*netFD).listenStream"}), "net.(*netFD).listenStream\n")
        << "of a library alone";
    EXPECT_EQ(lines({"syscall.bind", "syscall.Bind"}), "syscall.bind\nsyscall.Bind\n")
        << "rather than nothing";
    EXPECT_EQ(lines({"bind", "open_server", "main", "__libc_start_main"}), "bind\nopen_server\nmain\n")
        << "of C, all";
}

} // namespace
} // namespace portguard::test
