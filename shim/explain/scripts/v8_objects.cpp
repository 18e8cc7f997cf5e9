#include "explain/scripts/v8_objects.h"

#include <algorithm>

#include "explain/scripts/utf8.h"

namespace portguard {
namespace {

// Of an instance type (src/objects/instance-type.h): what stands in postmortem metadata as masks and tags,
// the same in every build of the last ten years.
constexpr std::int32_t not_string = 0x80;
constexpr std::int32_t representation = 7;
constexpr std::int32_t sequential = 0;
constexpr std::int32_t cons = 1;
constexpr std::int32_t external = 2;
constexpr std::int32_t thin = 5;
constexpr std::int32_t one_byte = 8;
constexpr std::int32_t uncached = 16;

constexpr std::uint64_t word = sizeof(std::uint64_t);

} // namespace

std::optional<V8Layout> find_v8_layout(const ScriptQuestion& question) {
    bool is_complete = true;
    const auto number = [&](std::string_view name) {
        const std::uint64_t at = question.exported("v8dbg_" + std::string(name));
        const auto value = at == 0 ? std::nullopt : question.memory.value<std::int32_t>(at);
        constexpr std::int32_t most = 65536;
        is_complete = is_complete && value.has_value() && *value<most&& * value> - most;
        return value.value_or(0);
    };
    constexpr std::int32_t upper_half = 31;
    if (number("SmiShiftSize") != upper_half || number("HeapObjectTag") != 1) {
        return std::nullopt;
    }
    const V8Layout layout{
        .map = number("class_HeapObject__map__Map"),
        .instance_type = number("class_Map__instance_type__uint16_t"),
        .string_length = number("class_String__length__int32_t"),
        .one_byte_text = number("class_SeqOneByteString__chars__char"),
        .two_byte_text = number("class_SeqTwoByteString__chars__char"),
        .cons_first = number("class_ConsString__first__String"),
        .cons_second = number("class_ConsString__second__String"),
        .thin_actual = number("class_ThinString__actual__String"),
        .external_resource = number("class_ExternalString__resource__Object"),
        .function_shared = number("class_JSFunction__shared__SharedFunctionInfo"),
        .shared_name = number("class_SharedFunctionInfo__name_or_scope_info__Object"),
        .shared_script = number("class_SharedFunctionInfo__script_or_debug_info__HeapObject"),
        .script_name = number("class_Script__name__Object"),
        .script_source = number("class_Script__source__Object"),
        .script_type = number("class_Script__type__SMI"),
        .bytecode_data = number("class_BytecodeArray__data__uintptr_t"),
        .frame_function = number("off_fp_function"),
        .frame_context = number("off_fp_context"),
        .frame_bytecode = number("off_fp_bytecode_array"),
        .frame_offset = number("off_fp_bytecode_offset"),
        .scope_locals = number("scopeinfo_idx_ncontextlocals"),
        .scope_first = number("scopeinfo_idx_first_vars"),
        .type_function = number("type_JSFunction__JS_FUNCTION_TYPE"),
        .type_shared = number("type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE"),
        .type_script = number("type_Script__SCRIPT_TYPE"),
        .type_scope = number("type_ScopeInfo__SCOPE_INFO_TYPE"),
        .type_bytecode = number("type_BytecodeArray__BYTECODE_ARRAY_TYPE"),
        .type_bytes = number("type_ByteArray__BYTE_ARRAY_TYPE"),
    };
    return is_complete ? std::optional(layout) : std::nullopt;
}

std::optional<std::int32_t> V8Heap::small_integer(std::uint64_t value) {
    constexpr unsigned half = 32;
    return (value & 0xffffffff) == 0 ? std::optional(static_cast<std::int32_t>(value >> half)) : std::nullopt;
}

std::int32_t V8Heap::type_of(std::uint64_t object) {
    const std::uint64_t map = member(object, layout_.map);
    const auto type =
        is_object(map) ? memory_.value<std::uint16_t>(address_of(map, layout_.instance_type)) : std::nullopt;
    return type.has_value() ? std::int32_t{*type} : -1;
}

bool V8Heap::is_string(std::uint64_t object) {
    const std::int32_t type = type_of(object);
    return type >= 0 && type < not_string;
}

std::optional<V8Heap::Characters> V8Heap::characters_of(std::uint64_t string) {
    const std::int32_t type = type_of(string);
    const auto length = memory_.value<std::int32_t>(address_of(string, layout_.string_length)).value_or(-1);
    if (type < 0 || type >= not_string || length < 0) {
        return std::nullopt;
    }
    const bool is_narrow = (type & one_byte) != 0;
    Characters characters{0, static_cast<std::uint64_t>(length), is_narrow ? std::size_t{1} : std::size_t{2}};
    if ((type & representation) == sequential) {
        characters.at = address_of(string, is_narrow ? layout_.one_byte_text : layout_.two_byte_text);
        return characters;
    }
    if ((type & representation) == external && (type & uncached) == 0) {
        // Behind the resource V8 keeps where its data is.
        characters.at = memory_.pointer(address_of(string, layout_.external_resource + std::int64_t{word}));
        return characters;
    }
    return std::nullopt;
}

std::string V8Heap::text_of(std::uint64_t object) {
    constexpr std::size_t most_depth = 6;
    std::string text;
    append(object, most_depth, text);
    return text;
}

void V8Heap::append(std::uint64_t object, std::size_t depth, std::string& text) {
    const std::int32_t type = type_of(object);
    if (type < 0 || type >= not_string || depth == 0 || text.size() > longest_script_text) {
        return;
    }
    if ((type & representation) == cons) {
        append(member(object, layout_.cons_first), depth - 1, text);
        append(member(object, layout_.cons_second), depth - 1, text);
        return;
    }
    if ((type & representation) == thin) {
        append(member(object, layout_.thin_actual), depth - 1, text);
        return;
    }
    const auto characters = characters_of(object);
    if (!characters.has_value() || characters->count > longest_script_text) {
        return;
    }
    const std::string raw = memory_.text(characters->at, characters->count * characters->width);
    for (std::size_t at = 0; at + characters->width <= raw.size(); at += characters->width) {
        const auto low = static_cast<unsigned char>(raw[at]);
        const unsigned high = characters->width == 1 ? 0 : static_cast<unsigned char>(raw[at + 1]);
        append_utf8(text, low | high << 8);
    }
}

std::optional<int> V8Heap::lines_before(std::uint64_t source, std::int64_t position) {
    // Of a bundle of several megabytes no line is known: each page of it would be read.
    constexpr std::int64_t most_position = std::int64_t{1} << 20;
    constexpr std::size_t most_steps = 4;
    // A string that was put together is flat once it is compiled: its second part is empty.
    for (std::size_t step = 0; step < most_steps; ++step) {
        const std::int32_t kind = type_of(source) & representation;
        if (kind == thin || kind == cons) {
            source = member(source, kind == thin ? layout_.thin_actual : layout_.cons_first);
        }
    }
    const auto characters = characters_of(source);
    if (!characters.has_value() || position < 0 || position > most_position ||
        static_cast<std::uint64_t>(position) > characters->count) {
        return std::nullopt;
    }
    const auto length = static_cast<std::size_t>(position);
    const std::string text = memory_.text(characters->at, length * characters->width);
    if (text.size() != length * characters->width) {
        return std::nullopt;
    }
    int lines = 0;
    for (std::size_t at = 0; at < text.size(); at += characters->width) {
        lines += text[at] == '\n' && (characters->width == 1 || text[at + 1] == '\0') ? 1 : 0;
    }
    return lines;
}

} // namespace portguard
