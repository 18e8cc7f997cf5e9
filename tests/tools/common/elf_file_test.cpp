#include "tools/common/elf_file.h"

#include <algorithm>
#include <cstring>
#include <system_error>

#include <elf.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

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

TEST(ElfFile, OfTheOtherWordSizeNamesItsLoader) {
    constexpr std::string_view loader("/lib/ld-linux.so.2\0", 19);
    Elf32_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS32;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_machine = EM_386;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf32_Phdr);
    header.e_phnum = 1;
    Elf32_Phdr segment{};
    segment.p_type = PT_INTERP;
    segment.p_offset = sizeof header + sizeof segment;
    segment.p_filesz = loader.size();
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    bytes.append(reinterpret_cast<const char*>(&segment), sizeof segment).append(loader);
    const auto file = read_text(bytes);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->interpreter, "/lib/ld-linux.so.2");
    // Each end that the bytes may have is one.
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        const auto cut = read_text(std::string_view(bytes).substr(0, length));
        EXPECT_TRUE(!cut || cut->interpreter.empty()) << length;
    }
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

/// Bytes whose end is that of readable memory: what reads on is killed, in every build.
class BytesBeforeTheEdge {
public:
    explicit BytesBeforeTheEdge(std::size_t most) {
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        length_ = (most + page - 1) / page * page;
        memory_ = ::mmap(nullptr, length_ + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory_ == MAP_FAILED || ::mprotect(end(), page, PROT_NONE) != 0) {
            throw std::system_error(errno, std::generic_category(), "mmap");
        }
    }
    BytesBeforeTheEdge(const BytesBeforeTheEdge&) = delete;
    BytesBeforeTheEdge& operator=(const BytesBeforeTheEdge&) = delete;
    ~BytesBeforeTheEdge() { ::munmap(memory_, length_ + static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))); }

    std::span<std::byte> copy(Bytes bytes) {
        std::byte* const begin = end() - bytes.size();
        std::copy(bytes.begin(), bytes.end(), begin);
        return {begin, bytes.size()};
    }

private:
    [[nodiscard]] std::byte* end() const { return static_cast<std::byte*>(memory_) + length_; }

    void* memory_ = nullptr;
    std::size_t length_ = 0;
};

TEST(ElfFile, CutOffAnywhereSaysNothingThatTheWholeDoesNot) {
    const MappedFile mapped(PORTGUARD_GO_PROGRAM);
    const ElfFile whole = read_elf(mapped.bytes()).value();
    ASSERT_TRUE(whole.is_go);
    BytesBeforeTheEdge memory(mapped.bytes().size());
    for (std::size_t length = 0; length < mapped.bytes().size(); ++length) {
        const auto file = read_elf(memory.copy(mapped.bytes().first(length)));
        ASSERT_EQ(file.has_value(), length >= offsetof(Elf32_Ehdr, e_machine) + 2) << length;
        if (file.has_value()) {
            ASSERT_TRUE(file->interpreter.empty() || file->interpreter == whole.interpreter) << length;
            ASSERT_LE(file->needed.size(), whole.needed.size()) << length;
        }
    }
}

TEST(ElfFile, WithAnyByteOfItsHeadersTurnedIsOneUnlessItIsTheMagic) {
    const MappedFile mapped(PORTGUARD_GO_PROGRAM);
    BytesBeforeTheEdge memory(mapped.bytes().size());
    const std::span<std::byte> bytes = memory.copy(mapped.bytes());
    const std::size_t headers = std::min<std::size_t>(bytes.size(), 2048);
    ASSERT_GT(headers, sizeof(Elf32_Ehdr));
    for (std::size_t offset = 0; offset < headers; ++offset) {
        bytes[offset] = ~bytes[offset];
        EXPECT_EQ(read_elf(bytes).has_value(), offset >= SELFMAG) << offset;
        bytes[offset] = ~bytes[offset];
    }
    EXPECT_TRUE(read_elf(bytes).value().is_go);
}

} // namespace
} // namespace portguard::tools
