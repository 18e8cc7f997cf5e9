// What libjvm.so says of itself: gHotSpotVMStructs and its kin, by which the serviceability agent (jhsdb)
// reads a virtual machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "explain/scripts/interpreter.h"

namespace portguard {

class HotSpotTables {
public:
    /// Nothing: they are not there, or not what they have to be.
    static std::optional<HotSpotTables> read(const ScriptQuestion& question);

    /// Of a member, in its object. 0 where it is not there.
    std::uint64_t offset(std::string_view type, std::string_view field);
    /// Of a static member.
    std::uint64_t address(std::string_view type, std::string_view field);
    std::uint64_t size(std::string_view type);
    std::int32_t constant(std::string_view name);
    [[nodiscard]] bool has(std::string_view type, std::string_view field) const {
        return find(type, field) != nullptr;
    }
    /// False: something that was asked for is not there.
    [[nodiscard]] bool is_complete() const { return is_complete_; }

private:
    /// With the addresses of its names: those of all rows are read at once.
    struct Entry {
        std::uint64_t type_at = 0;
        std::uint64_t field_at = 0;
        /// An offset, a size or a number.
        std::uint64_t value = 0;
        std::uint64_t address = 0;
    };
    /// Where a table's rows have what: by the name of the table's exports.
    struct Shape;

    [[nodiscard]] const Entry* find(std::string_view type, std::string_view field) const;
    bool add_rows(const ScriptQuestion& question, const Shape& shape);
    bool read_names(ScriptMemory& memory);
    [[nodiscard]] std::string_view name_at(std::uint64_t address) const;

    std::vector<Entry> entries_;
    std::uint64_t names_at_ = 0;
    std::string names_;
    bool is_complete_ = true;
};

} // namespace portguard
