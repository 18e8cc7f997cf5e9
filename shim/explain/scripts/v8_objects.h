// Objects of V8's heap, by what node's file says of them for debuggers (v8dbg_*,
// tools/gen-postmortem-metadata.py).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "explain/scripts/interpreter.h"

namespace portguard {

/// Numbers of one build of V8: offsets of members, instance types.
struct V8Layout {
    std::int32_t map = 0;
    std::int32_t instance_type = 0;
    std::int32_t string_length = 0;
    std::int32_t one_byte_text = 0;
    std::int32_t two_byte_text = 0;
    std::int32_t cons_first = 0;
    std::int32_t cons_second = 0;
    std::int32_t thin_actual = 0;
    std::int32_t external_resource = 0;
    std::int32_t function_shared = 0;
    std::int32_t shared_name = 0;
    std::int32_t shared_script = 0;
    std::int32_t script_name = 0;
    std::int32_t script_source = 0;
    std::int32_t script_type = 0;
    std::int32_t bytecode_data = 0;
    std::int32_t frame_function = 0;
    std::int32_t frame_context = 0;
    std::int32_t frame_bytecode = 0;
    std::int32_t frame_offset = 0;
    std::int32_t scope_locals = 0;
    std::int32_t scope_first = 0;
    std::int32_t type_function = 0;
    std::int32_t type_shared = 0;
    std::int32_t type_script = 0;
    std::int32_t type_scope = 0;
    std::int32_t type_bytecode = 0;
    std::int32_t type_bytes = 0;
};

/// Nothing: a number is missing, or words are not 64 bits with small integers in their upper half.
std::optional<V8Layout> find_v8_layout(const ScriptQuestion& question);

class V8Heap {
public:
    V8Heap(ScriptMemory& memory, const V8Layout& layout) : memory_(memory), layout_(layout) {}

    static bool is_object(std::uint64_t value) { return (value & 3) == 1; }
    /// Nothing: an object's address.
    static std::optional<std::int32_t> small_integer(std::uint64_t value);

    /// A word of an object's.
    std::uint64_t member(std::uint64_t object, std::int64_t offset) {
        return is_object(object) ? memory_.pointer(address_of(object, offset)) : 0;
    }
    /// Of its map; -1: it is no object.
    std::int32_t type_of(std::uint64_t object);
    bool is_string(std::uint64_t object);
    /// UTF-8, at most `longest_script_text` characters of it; empty where it is no string.
    std::string text_of(std::uint64_t object);
    /// How many lines end before the character at `position`; nothing: the text cannot be had.
    std::optional<int> lines_before(std::uint64_t source, std::int64_t position);

    static std::uint64_t address_of(std::uint64_t object, std::int64_t offset) {
        return object - 1 + static_cast<std::uint64_t>(offset);
    }

private:
    struct Characters {
        std::uint64_t at = 0;
        std::uint64_t count = 0;
        std::size_t width = 1;
    };
    /// Of a string that is in one piece.
    std::optional<Characters> characters_of(std::uint64_t string);
    void append(std::uint64_t object, std::size_t depth, std::string& text);

    ScriptMemory& memory_;
    const V8Layout& layout_;
};

} // namespace portguard
