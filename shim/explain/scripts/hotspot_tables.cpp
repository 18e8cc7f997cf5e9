#include "explain/scripts/hotspot_tables.h"

#include <algorithm>
#include <array>

namespace portguard {

struct HotSpotTables::Shape {
    std::string_view rows;
    std::string_view stride;
    /// 8 bytes each; empty: there is none.
    std::string_view type;
    std::string_view field;
    std::string_view value;
    std::string_view address;
    bool is_value_of_32_bits = false;
};

namespace {

// JDK 17 has 800, 400 and 400 rows, whose names lie within 730 KB.
constexpr std::size_t most_rows = 4000;
constexpr std::uint64_t most_name_bytes = std::uint64_t{4} << 20;
constexpr std::size_t longest_name = 128;

} // namespace

std::optional<HotSpotTables> HotSpotTables::read(const ScriptQuestion& question) {
    constexpr Shape shapes[] = {
        {"gHotSpotVMStructs", "gHotSpotVMStructEntryArrayStride", "gHotSpotVMStructEntryTypeNameOffset",
         "gHotSpotVMStructEntryFieldNameOffset", "gHotSpotVMStructEntryOffsetOffset",
         "gHotSpotVMStructEntryAddressOffset"},
        {"gHotSpotVMTypes", "gHotSpotVMTypeEntryArrayStride", "gHotSpotVMTypeEntryTypeNameOffset", "",
         "gHotSpotVMTypeEntrySizeOffset", ""},
        {"gHotSpotVMIntConstants", "gHotSpotVMIntConstantEntryArrayStride",
         "gHotSpotVMIntConstantEntryNameOffset", "", "gHotSpotVMIntConstantEntryValueOffset", "", true},
    };
    HotSpotTables tables;
    const bool are_there = std::all_of(std::begin(shapes), std::end(shapes),
                                       [&](const Shape& shape) { return tables.add_rows(question, shape); });
    return are_there && tables.read_names(question.memory) ? std::optional(std::move(tables)) : std::nullopt;
}

bool HotSpotTables::add_rows(const ScriptQuestion& question, const Shape& shape) {
    ScriptMemory& memory = question.memory;
    const auto number = [&](std::string_view name) {
        return name.empty() ? 0 : memory.pointer(question.exported(name));
    };
    constexpr std::uint64_t most_stride = 128;
    constexpr std::size_t at_once = 32;
    const std::uint64_t stride = number(shape.stride);
    const std::array<std::uint64_t, 4> places{number(shape.type), number(shape.field), number(shape.value),
                                              number(shape.address)};
    const bool is_sound = stride >= sizeof(std::uint64_t) && stride <= most_stride &&
                          std::all_of(places.begin(), places.end(), [stride](std::uint64_t place) {
                              return place <= stride - sizeof(std::uint64_t);
                          });
    std::uint64_t at = memory.pointer(question.exported(shape.rows));
    for (std::size_t count = 0; is_sound && count < most_rows; count += at_once) {
        // Behind the last row the table's memory goes on; what is there is not looked at.
        const MemoryRecord rows(memory, at, at_once * stride);
        for (std::size_t index = 0; index < at_once && rows.is_there(); ++index) {
            const std::uint64_t row = index * stride;
            Entry entry{rows.pointer(row + places[0]), 0, 0, 0};
            if (entry.type_at == 0) {
                return true;
            }
            entry.field_at = shape.field.empty() ? 0 : rows.pointer(row + places[1]);
            entry.value = shape.is_value_of_32_bits
                              ? static_cast<std::uint64_t>(rows.at<std::int32_t>(row + places[2]))
                              : rows.pointer(row + places[2]);
            entry.address = shape.address.empty() ? 0 : rows.pointer(row + places[3]);
            entries_.push_back(entry);
        }
        if (!rows.is_there()) {
            return false;
        }
        at += at_once * stride;
    }
    return false;
}

bool HotSpotTables::read_names(ScriptMemory& memory) {
    std::uint64_t end = 0;
    names_at_ = ~std::uint64_t{0};
    for (const Entry& entry : entries_) {
        for (const std::uint64_t name : {entry.type_at, entry.field_at}) {
            if (name != 0) {
                names_at_ = std::min(names_at_, name);
                end = std::max(end, name);
            }
        }
    }
    if (end <= names_at_ || end - names_at_ > most_name_bytes) {
        return false;
    }
    names_ = memory.text(names_at_, end - names_at_ + longest_name);
    return !names_.empty();
}

std::string_view HotSpotTables::name_at(std::uint64_t address) const {
    const std::string_view rest =
        address < names_at_ ? std::string_view()
                            : std::string_view(names_).substr(std::min(address - names_at_, names_.size()));
    return rest.substr(0, std::min(rest.find('\0'), longest_name));
}

const HotSpotTables::Entry* HotSpotTables::find(std::string_view type, std::string_view field) const {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return (entry.field_at == 0 ? field.empty() : name_at(entry.field_at) == field) &&
               name_at(entry.type_at) == type;
    });
    return found == entries_.end() ? nullptr : &*found;
}

std::uint64_t HotSpotTables::offset(std::string_view type, std::string_view field) {
    constexpr std::uint64_t most_offset = 65536;
    const Entry* const entry = find(type, field);
    is_complete_ = is_complete_ && entry != nullptr && entry->value <= most_offset;
    return entry == nullptr ? 0 : entry->value;
}

std::uint64_t HotSpotTables::address(std::string_view type, std::string_view field) {
    const Entry* const entry = find(type, field);
    is_complete_ = is_complete_ && entry != nullptr && entry->address != 0;
    return entry == nullptr ? 0 : entry->address;
}

std::uint64_t HotSpotTables::size(std::string_view type) {
    return offset(type, "");
}

std::int32_t HotSpotTables::constant(std::string_view name) {
    const Entry* const entry = find(name, "");
    is_complete_ = is_complete_ && entry != nullptr;
    return entry == nullptr ? 0 : static_cast<std::int32_t>(entry->value);
}

} // namespace portguard
