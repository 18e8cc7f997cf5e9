// The memory of the program that asked, as far as it can be had from outside: what was copied of its stack,
// the files that it has mapped, and the rest through its /proc/PID/mem where the program itself has opened
// that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "explain/elf_image.h"
#include "explain/program_map.h"

namespace portguard {

/// An executable or library, as it lies in the program's memory.
struct CodeImage {
    /// As the kernel knows it: of a file that has been deleted or replaced too.
    std::string path;
    /// Lower-case hexadecimal; empty where the linker made none.
    std::string build_id;
    /// What is added to the file's addresses.
    std::uint64_t bias = 0;
    /// Of its first mapping, where the ELF header lies.
    std::uint64_t start = 0;
    std::vector<ElfW(Phdr)> segments;
    /// Null: only what is mapped can be read (the vdso, a deleted file).
    const ElfImage* file = nullptr;
};

class ProgramMemory {
public:
    struct Stack {
        std::uint64_t start = 0;
        /// Not owned.
        std::span<const std::byte> bytes;
    };

    /// `memory`: a descriptor of /proc/PID/mem, which stays the caller's; -1: none.
    ProgramMemory(Stack stack, std::vector<Mapping> mappings, int memory);

    /// False: not all of it is to be had.
    bool read(std::uint64_t address, std::span<std::byte> out);

    template <typename Value>
    std::optional<Value> value(std::uint64_t address) {
        Value value;
        return read(address, std::as_writable_bytes(std::span(&value, 1))) ? std::optional(value)
                                                                           : std::nullopt;
    }

    [[nodiscard]] const Mapping* mapping_of(std::uint64_t address) const;
    [[nodiscard]] bool has_mappings() const { return !mappings_.empty(); }

    /// What has the code at `address`; null: it was made at run time.
    const CodeImage* image_of(std::uint64_t address);
    /// The first that has code and whose file's name begins so; null: none.
    const CodeImage* image_named(std::string_view prefix);

    /// The first address since forget_missed() that is memory of the program's and could not be read; 0:
    /// none.
    [[nodiscard]] std::uint64_t missed() const { return missed_; }
    void forget_missed() { missed_ = 0; }

    /// In the mapping that the copied stack lies in.
    [[nodiscard]] bool is_of_stack(std::uint64_t address) const;

private:
    static constexpr std::size_t page_size = 4096;
    using Page = std::array<std::byte, page_size>;

    bool read_stack(std::uint64_t address, std::span<std::byte> out) const;
    bool read_file(const Mapping& mapping, std::uint64_t address, std::span<std::byte> out);
    bool read_page(std::uint64_t address, std::span<std::byte> out);
    const Mapping& first_mapping_of(const Mapping& mapping) const;
    std::unique_ptr<CodeImage> make_image(const Mapping& mapping);
    const ElfImage* file_of(const Mapping& mapping);
    std::string build_id_in_memory(const CodeImage& image);

    Stack stack_;
    std::vector<Mapping> mappings_;
    int memory_;
    std::uint64_t missed_ = 0;
    /// By path; null: not to be had, or another file by now.
    std::map<std::string, std::unique_ptr<ElfImage>> files_;
    /// By the start of the mapping; null: no ELF file.
    std::map<std::uint64_t, std::unique_ptr<CodeImage>> images_;
    /// What was read of memory_, since each word of an unwind table would be a system call.
    std::map<std::uint64_t, std::unique_ptr<Page>> pages_;
};

} // namespace portguard
