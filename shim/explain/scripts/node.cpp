// Node: V8's frames of JavaScript, each with its function, and where it is interpreted, its bytecode.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "explain/scripts/interpreter.h"
#include "explain/scripts/v8_objects.h"

namespace portguard {
namespace {

constexpr std::int64_t word = sizeof(std::uint64_t);

/// A SourcePositionTable (src/codegen/source-position-table.cc): pairs of numbers that each go on from the
/// last, an offset in the bytecode and a place in the source.
class SourcePositions {
public:
    explicit SourcePositions(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

    /// -1: none.
    std::int64_t position_of(std::int64_t bytecode) {
        // The entry of the function stands before its first bytecode (kFunctionEntryBytecodeOffset).
        std::int64_t at = -1;
        std::int64_t place = 0;
        std::int64_t best = -1;
        while (at_ < bytes_.size()) {
            const std::int64_t step = number();
            // One that begins no statement is told by its sign.
            at += step < 0 ? -step - 1 : step;
            place += number();
            if (at > bytecode) {
                break;
            }
            best = place;
        }
        // Below it the bit of a place outside the script; the place itself begins at 1.
        constexpr std::int64_t mask = (std::int64_t{1} << 30) - 1;
        return best < 0 ? -1 : (best >> 1 & mask) - 1;
    }

private:
    /// Seven bits a byte, the lowest first; the sign is the lowest of all.
    std::int64_t number() {
        constexpr unsigned more = 0x80;
        constexpr unsigned most_shift = 56;
        std::uint64_t value = 0;
        unsigned byte = more;
        for (unsigned shift = 0; (byte & more) != 0 && shift <= most_shift && at_ < bytes_.size();
             shift += 7) {
            byte = std::to_integer<unsigned>(bytes_[at_++]);
            value |= std::uint64_t{byte & (more - 1)} << shift;
        }
        const auto magnitude = static_cast<std::int64_t>(value >> 1 & 0xffffffff);
        return (value & 1) != 0 ? ~magnitude : magnitude;
    }

    std::vector<std::byte> bytes_;
    std::size_t at_ = 0;
};

class NodeReader {
public:
    NodeReader(const ScriptQuestion& question, const V8Layout& layout)
        : question_(question), memory_(question.memory), layout_(layout), heap_(question.memory, layout) {}

    std::vector<ScriptFrame> read() {
        std::vector<ScriptFrame> frames;
        std::uint64_t last = 0;
        for (const CallAddress& call : question_.calls) {
            // Native code leaves the register as its caller had it, or uses it for something else.
            const std::uint64_t frame = call.frame_pointer;
            if (frame <= last || frame % word != 0 || frames.size() >= question_.depth) {
                continue;
            }
            if (auto made = frame_at(frame)) {
                frames.push_back(std::move(*made));
                last = frame;
            }
        }
        return frames;
    }

private:
    std::uint64_t slot(std::uint64_t frame, std::int32_t offset) {
        return memory_.pointer(frame + static_cast<std::uint64_t>(std::int64_t{offset}));
    }

    std::optional<ScriptFrame> frame_at(std::uint64_t frame) {
        const std::uint64_t function = slot(frame, layout_.frame_function);
        if (!V8Heap::is_object(slot(frame, layout_.frame_context)) ||
            heap_.type_of(function) != layout_.type_function) {
            return std::nullopt;
        }
        const std::uint64_t shared = heap_.member(function, layout_.function_shared);
        const std::uint64_t script = heap_.member(shared, layout_.shared_script);
        // What V8 has built in belongs to no script.
        if (heap_.type_of(shared) != layout_.type_shared || heap_.type_of(script) != layout_.type_script) {
            return std::nullopt;
        }
        ScriptFrame made;
        made.file = heap_.text_of(heap_.member(script, layout_.script_name));
        made.function = name_of(heap_.member(shared, layout_.shared_name));
        made.line = line_of(frame, script);
        if (made.file.empty()) {
            return std::nullopt;
        }
        constexpr std::string_view scheme = "file://"; // of an ES module
        made.file.erase(0, made.file.starts_with(scheme) ? scheme.size() : 0);
        return made;
    }

    /// Behind the names and kinds of its variables a ScopeInfo has the function's name and its place, and
    /// behind these the name that V8 made up from what it is assigned to.
    std::string name_of(std::uint64_t value) {
        if (heap_.type_of(value) != layout_.type_scope) {
            return heap_.text_of(value);
        }
        constexpr std::int32_t most_locals = 75; // more are in a table of their own
        const auto entry = [&](std::int64_t index) { return heap_.member(value, word + index * word); };
        const auto locals = V8Heap::small_integer(entry(layout_.scope_locals)).value_or(-1);
        if (locals < 0 || locals > most_locals) {
            return {};
        }
        const std::int64_t name_at = layout_.scope_first + std::int64_t{2} * locals;
        if (!heap_.is_string(entry(name_at))) {
            return {};
        }
        const std::string name = heap_.text_of(entry(name_at));
        return name.empty() ? heap_.text_of(entry(name_at + 2)) : name;
    }

    /// 0: the function is compiled, or V8 has not collected its places.
    int line_of(std::uint64_t frame, std::uint64_t script) {
        // Between its name and its type a Script has the line that its source begins with.
        const auto first_line = V8Heap::small_integer(heap_.member(script, layout_.script_name + word));
        const std::uint64_t bytecode = slot(frame, layout_.frame_bytecode);
        const auto offset = V8Heap::small_integer(slot(frame, layout_.frame_offset));
        constexpr std::int32_t most_lines = 10'000'000;
        if (heap_.type_of(bytecode) != layout_.type_bytecode || !offset.has_value() ||
            !first_line.has_value() || *first_line < 0 || *first_line > most_lines) {
            return 0;
        }
        // A BytecodeArray: map, length, constants, handlers, places (src/objects/code.tq).
        constexpr std::int64_t places_at = 4 * word;
        constexpr std::int64_t length_at = word;
        constexpr std::int32_t most_bytes = 1 << 20;
        const std::uint64_t places = heap_.member(bytecode, places_at);
        const auto length = V8Heap::small_integer(heap_.member(places, length_at)).value_or(0);
        if (heap_.type_of(places) != layout_.type_bytes || length <= 0 || length > most_bytes) {
            return 0;
        }
        SourcePositions table(
            memory_.bytes(V8Heap::address_of(places, 2 * word), static_cast<std::size_t>(length)));
        const std::int64_t position = table.position_of(std::int64_t{*offset} - layout_.bytecode_data + 1);
        const auto lines = heap_.lines_before(heap_.member(script, layout_.script_source), position);
        return lines.has_value() ? *first_line + *lines + 1 : 0;
    }

    const ScriptQuestion& question_;
    ScriptMemory& memory_;
    const V8Layout& layout_;
    V8Heap heap_;
};

} // namespace

std::vector<ScriptFrame> read_node_frames(const ScriptQuestion& question) {
    const auto layout = find_v8_layout(question);
    return layout.has_value() ? NodeReader(question, *layout).read() : std::vector<ScriptFrame>{};
}

} // namespace portguard
