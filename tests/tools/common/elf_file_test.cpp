#include "tools/common/elf_file.h"

#include <cstring>

#include <elf.h>
#include <gtest/gtest.h>

#include "tools/common/program_file.h"

namespace portguard::tools {
namespace {

std::string header_of(unsigned char word_size, unsigned char byte_order, std::string_view machine) {
    std::string header(64, '\0');
    header.replace(0, 4, ELFMAG);
    header[EI_CLASS] = static_cast<char>(word_size);
    header[EI_DATA] = static_cast<char>(byte_order);
    header.replace(offsetof(Elf32_Ehdr, e_machine), 2, machine);
    return header;
}

std::optional<ElfFile> read_text(std::string_view text) {
    return read_elf(std::as_bytes(std::span(text)));
}

TEST(ElfFile, IsWhatStartsWithItsMagic) {
    EXPECT_FALSE(read_text(""));
    EXPECT_FALSE(read_text("\x7f"
                           "ELF"));
    EXPECT_FALSE(read_text(std::string(64, 'x')));
}

TEST(ElfFile, TellsWordSizeAndMachineOfEveryByteOrder) {
    const auto arm = read_text(header_of(ELFCLASS32, ELFDATA2LSB, {"\x28\0", 2}));
    ASSERT_TRUE(arm);
    EXPECT_EQ(arm->word_bits, 32);
    EXPECT_EQ(machine_name(arm->machine), "ARM");
    const auto s390 = read_text(header_of(ELFCLASS64, ELFDATA2MSB, {"\0\x16", 2}));
    ASSERT_TRUE(s390);
    EXPECT_EQ(s390->word_bits, 64);
    EXPECT_EQ(machine_name(s390->machine), "S/390");
    EXPECT_EQ(machine_name(9999), "machine 9999");
}

TEST(ElfFile, OfADynamicProgramNamesLoaderAndLibraries) {
    const MappedFile mapped(PORTGUARD_DYNAMIC_PROGRAM);
    const auto file = read_elf(mapped.bytes());
    ASSERT_TRUE(file);
    EXPECT_NE(file->interpreter.find("/ld-linux"), std::string::npos) << file->interpreter;
    EXPECT_EQ(file->needed, std::vector<std::string>{"libc.so.6"});
    EXPECT_FALSE(file->is_go);
}

TEST(ElfFile, OfALoaderHasASonameAndNoLoader) {
    const MappedFile program(PORTGUARD_DYNAMIC_PROGRAM);
    const MappedFile mapped(read_elf(program.bytes()).value().interpreter);
    const auto file = read_elf(mapped.bytes());
    ASSERT_TRUE(file);
    EXPECT_EQ(file->interpreter, "");
    EXPECT_TRUE(file->soname.starts_with("ld-linux")) << file->soname;
}

TEST(ElfFile, OfAGoProgramCarriesItsNote) {
    const MappedFile mapped(PORTGUARD_GO_PROGRAM);
    EXPECT_TRUE(read_elf(mapped.bytes()).value().is_go);
}

TEST(ElfFile, CutOffAnywhereIsReadWithoutHarm) {
    const MappedFile mapped(PORTGUARD_GO_PROGRAM);
    for (std::size_t length = 0; length < mapped.bytes().size(); ++length) {
        static_cast<void>(read_elf(mapped.bytes().first(length)));
    }
}

TEST(ElfFile, WithAnyByteOfItsHeadersTurnedIsReadWithoutHarm) {
    const MappedFile mapped(PORTGUARD_GO_PROGRAM);
    std::vector<std::byte> bytes(mapped.bytes().begin(), mapped.bytes().end());
    const std::size_t headers = std::min<std::size_t>(bytes.size(), 2048);
    for (std::size_t offset = 0; offset < headers; ++offset) {
        bytes[offset] = ~bytes[offset];
        static_cast<void>(read_elf(bytes));
        bytes[offset] = ~bytes[offset];
    }
}

} // namespace
} // namespace portguard::tools
