// .gopclntab: functions, lines and frame sizes, which the linker of Go leaves in every program, stripped or
// not, as Go's run-time unwinds by them (src/runtime/symtab.go, src/debug/gosym/pclntab.go of Go 1.2 to
// 1.25). Any bytes are taken: nothing beyond them is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "explain/debug_lines.h"
#include "explain/elf_image.h"

namespace portguard {

class GoTable {
public:
    struct Function {
        std::uint64_t entry = 0;
        /// Of its record in the table.
        std::uint64_t at = 0;
    };

    /// Nothing: no table of a version that is known. `text_start`: of the code, for a table that says 0 (of a
    /// program that is relocated).
    static std::optional<GoTable> read(std::span<const std::byte> bytes, std::uint64_t text_start);

    /// Addresses are the file's own.
    [[nodiscard]] std::optional<Function> find(std::uint64_t address) const;
    /// "net.(*netFD).listenStream"; empty: not there.
    [[nodiscard]] std::string_view name_of(const Function& function) const;
    [[nodiscard]] SourceLine line_of(const Function& function, std::uint64_t address) const;
    /// What `address` has on the stack below the return address, on x86-64.
    [[nodiscard]] std::optional<std::uint64_t> frame_size(const Function& function,
                                                          std::uint64_t address) const;

private:
    /// The layout of the header, of functions and of their records.
    enum class Version : std::uint8_t { go_1_2, go_1_16, go_1_18 };
    /// Fields of a record that hold 32 bits, counted from the one behind the entry.
    enum class Field : std::uint8_t { name = 0, stack = 3, file = 4, line = 5, unit = 7 };

    GoTable(std::span<const std::byte> bytes, Version version) : bytes_(bytes), version_(version) {}

    bool read_header(std::uint64_t text_start);
    [[nodiscard]] std::optional<std::uint64_t> word(std::uint64_t offset) const;
    [[nodiscard]] std::optional<Function> function_at(std::uint64_t index) const;
    [[nodiscard]] std::optional<std::uint32_t> field(const Function& function, Field field) const;
    [[nodiscard]] std::optional<std::int32_t> value_for(const Function& function, Field field,
                                                        std::uint64_t address) const;
    [[nodiscard]] std::string_view file_name(const Function& function, std::int32_t number) const;
    [[nodiscard]] std::string_view text_at(std::uint64_t offset) const;

    std::span<const std::byte> bytes_;
    Version version_;
    /// Of a pointer.
    std::uint8_t word_size_ = 0;
    /// Of an instruction, at least.
    std::uint8_t quantum_ = 0;
    std::uint64_t functions_ = 0;
    std::uint64_t text_start_ = 0;
    std::uint64_t names_at_ = 0;
    std::uint64_t units_at_ = 0;
    std::uint64_t files_at_ = 0;
    std::uint64_t values_at_ = 0;
    /// Of the list of functions, and what offsets in it count from.
    std::uint64_t functions_at_ = 0;
    std::uint64_t records_at_ = 0;
};

/// The program's; nothing: it is not Go's.
std::optional<GoTable> find_go_table(const ElfImage& file);

} // namespace portguard
