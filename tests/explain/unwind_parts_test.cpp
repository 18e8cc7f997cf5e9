// The parts of unwinding that take another program's bytes: maps, ELF files, unwind tables.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "explain/elf_symbols.h"
#include "explain/frame_records.h"
#include "explain/program_map.h"
#include "explain/program_memory.h"
#include "explain/unwind_table.h"
#include "support/fd.h"
#include "support/temporary_folder.h"

namespace portguard::test {
namespace {

std::vector<Mapping> own_map() {
    return read_program_map(Fd(open("/proc/self/maps", O_RDONLY | O_CLOEXEC)).get());
}

TEST(ProgramMap, ReadsWhatTheKernelWrites) {
    const auto map =
        parse_program_map("555555554000-555555556000 r-xp 00001000 fe:01 4711    /opt/some/a b\n"
                          "7ffff7fc1000-7ffff7fc3000 r-xp 00000000 00:00 0    [vdso]\n"
                          "7ffff8000000-7ffff8001000 rw-p 00000000 00:00 0 \n"
                          "7ffff9000000-7ffff9001000 r--s 00000000 00:01 9  /memfd:x\\012y (deleted)\n");
    ASSERT_EQ(map.size(), 4U);
    EXPECT_EQ(map[0].path, "/opt/some/a b");
    EXPECT_EQ(map[0].offset, 0x1000U);
    EXPECT_EQ(map[0].inode, 4711U);
    EXPECT_FALSE(map[0].is_writable);
    EXPECT_EQ(map[1].path, "[vdso]");
    EXPECT_EQ(map[2].path, "");
    EXPECT_TRUE(map[2].is_writable);
    EXPECT_EQ(map[3].path, "/memfd:x\ny");
    EXPECT_TRUE(map[3].is_deleted);
}

TEST(ProgramMap, LeavesOutWhatNoKernelWrites) {
    for (const char* text :
         {"", "\n\n", "x", "1-", "2-1 r--p 0 0 0", "1-2 r 0 0 0", "1-2 r--p z 0 0 f", "-"}) {
        EXPECT_TRUE(parse_program_map(text).empty()) << text;
    }
    EXPECT_EQ(parse_program_map("2000-3000 r--p 0 0:0 0\n1000-2000 r--p 0 0:0 0\n").size(), 1U);
}

class OwnImage : public testing::Test {
protected:
    ProgramMemory memory{{}, own_map(), -1};
    std::uint64_t code = reinterpret_cast<std::uint64_t>(&parse_program_map);
    const CodeImage* image = memory.image_of(code);
};

TEST_F(OwnImage, HasSymbols) {
    ASSERT_NE(image, nullptr);
    ASSERT_NE(image->file, nullptr);
    const std::uint64_t address = code - image->bias;
    EXPECT_EQ(find_symbols(*image->file, {&address, 1}).front().find("portguard::parse_program_map("), 0U);
}

TEST_F(OwnImage, ATableIsMadeFromEhFrameForAFunctionThatIsInIt) {
    ASSERT_NE(image, nullptr);
    const auto table = make_table(*image, code + 1);
    ASSERT_TRUE(table.has_value());
    const auto start = value_at<std::int32_t>(table->made_up, 0);
    const auto record = value_at<std::int32_t>(table->made_up, 4);
    EXPECT_EQ(table->origin + static_cast<std::uint64_t>(std::int64_t{*start}), code);
    // As the sorted table has it.
    const auto sorted = find_sorted_table(*image, memory);
    ASSERT_TRUE(sorted.has_value());
    bool is_there = false;
    for (std::uint64_t index = 0; index < sorted->entries; ++index) {
        const auto entry = memory.value<std::array<std::int32_t, 2>>(sorted->entries_at + 8 * index);
        ASSERT_TRUE(entry.has_value());
        is_there =
            is_there || (sorted->origin + static_cast<std::uint64_t>(std::int64_t{(*entry)[0]}) == code &&
                         sorted->origin + static_cast<std::uint64_t>(std::int64_t{(*entry)[1]}) ==
                             table->origin + static_cast<std::uint64_t>(std::int64_t{*record}));
    }
    EXPECT_TRUE(is_there);
}

TEST_F(OwnImage, CodeOfNoFunctionHasNoTable) {
    ASSERT_NE(image, nullptr);
    EXPECT_FALSE(make_table(*image, image->bias + 1).has_value());
}

TEST(ElfImage, TakesAnyBytes) {
    const TemporaryFolder folder;
    std::string program;
    {
        std::ifstream file("/proc/self/exe", std::ios::binary);
        program.resize(65536);
        file.read(program.data(), static_cast<std::streamsize>(program.size()));
    }
    std::uint32_t random = 3;
    for (int round = 0; round < 300; ++round) {
        std::string broken = program.substr(0, round % 3 == 0 ? random % program.size() : program.size());
        for (int count = 0; count < 20 && !broken.empty(); ++count) {
            random = random * 1664525 + 1013904223;
            broken[(random >> 8) % std::min<std::size_t>(broken.size(), 1024)] = static_cast<char>(random);
        }
        const auto image = ElfImage::open(folder.write("broken", broken));
        if (image != nullptr) {
            EXPECT_LE(image->build_id().size(), 2 * broken.size());
            EXPECT_EQ(image->section(".no_such_section"), nullptr);
            const std::uint64_t address = 0x1234;
            find_symbols(*image, {&address, 1});
        }
    }
}

TEST(FrameRecords, TakeAnyBytes) {
    std::vector<std::byte> bytes(4096);
    std::uint32_t random = 5;
    for (int round = 0; round < 3000; ++round) {
        for (std::byte& byte : bytes) {
            random = random * 1664525 + 1013904223;
            byte = (random >> 30) == 0 ? static_cast<std::byte>(random >> 16) : std::byte{0};
        }
        bytes[0] = std::byte{16};
        for (const bool is_debug : {false, true}) {
            const FrameSection section{bytes, 0x1000, is_debug};
            const auto record = find_frame_record(section, random);
            if (record.has_value()) {
                ASSERT_LT(random - record->start, record->length) << round;
                ASSERT_LT(record->at, bytes.size()) << round;
            }
            const EhFrame frame =
                as_eh_frame(section, record.value_or(FrameRecord{0, 1, random % 4096, 0}), 0);
            ASSERT_LE(frame.record_at, frame.bytes.size()) << round;
        }
    }
}

} // namespace
} // namespace portguard::test
