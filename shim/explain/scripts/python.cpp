// CPython: _PyRuntime has the interpreters, those have their threads, and each thread its innermost frame.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "explain/scripts/glibc_thread.h"
#include "explain/scripts/interpreter.h"
#include "explain/scripts/python_layout.h"
#include "explain/scripts/python_lines.h"
#include "explain/scripts/utf8.h"

namespace portguard {
namespace {

constexpr std::size_t word = sizeof(std::uint64_t);
constexpr std::size_t most_interpreters = 64;
constexpr std::size_t most_threads = 1000;
/// An instruction of 3.10 and later.
constexpr std::size_t unit = 2;

// The same in every release, but for a build without a GIL: the heads of object, type, bytes and str.
constexpr std::uint64_t object_type = 8;
constexpr std::uint64_t type_name = 24;
constexpr std::uint64_t length_at = 16;
constexpr std::uint64_t bytes_text = 32;
constexpr std::uint64_t str_state = 32;

class PythonReader {
public:
    PythonReader(const ScriptQuestion& question, const PythonLayout& layout)
        : question_(question), memory_(question.memory), layout_(layout) {}

    std::vector<ScriptFrame> read(std::uint64_t runtime) {
        std::optional<std::uint64_t> innermost;
        std::uint64_t interpreter = memory_.pointer(runtime + layout_.runtime_interpreters);
        for (std::size_t count = 0; interpreter != 0 && count < most_interpreters; ++count) {
            if (!find_thread(interpreter, innermost)) {
                return {};
            }
            interpreter = memory_.pointer(interpreter + layout_.interpreter_next);
        }
        return innermost.has_value() ? walk(*innermost) : std::vector<ScriptFrame>{};
    }

private:
    /// False: a thread that is in two interpreters at once, and which of them asked is not known.
    bool find_thread(std::uint64_t interpreter, std::optional<std::uint64_t>& innermost) {
        std::uint64_t thread = memory_.pointer(interpreter + layout_.interpreter_threads);
        for (std::size_t count = 0; thread != 0 && count < most_threads; ++count) {
            const MemoryRecord record(memory_, thread, thread_size());
            if (is_asking(record)) {
                const std::uint64_t frame = frame_of(record);
                if (frame != 0 && innermost.has_value()) {
                    return false;
                }
                innermost = frame != 0 ? std::optional(frame) : innermost;
            }
            thread = record.pointer(layout_.thread_next);
        }
        return true;
    }

    [[nodiscard]] std::size_t thread_size() const {
        return std::max(
                   {layout_.thread_next, layout_.thread_id, layout_.thread_native_id, layout_.thread_frame}) +
               word;
    }

    bool is_asking(const MemoryRecord& thread) {
        if (layout_.thread_native_id != 0) {
            return thread.pointer(layout_.thread_native_id) == static_cast<std::uint64_t>(question_.tid);
        }
        return is_glibc_thread(memory_, thread.pointer(layout_.thread_id), question_.tid).value_or(false);
    }

    std::uint64_t frame_of(const MemoryRecord& thread) {
        const std::uint64_t pointer = thread.pointer(layout_.thread_frame);
        return layout_.frame_in_cframe.has_value() && pointer != 0
                   ? memory_.pointer(pointer + *layout_.frame_in_cframe)
                   : pointer;
    }

    std::vector<ScriptFrame> walk(std::uint64_t frame) {
        std::vector<ScriptFrame> frames;
        std::set<std::uint64_t> seen;
        const std::size_t size = std::max({layout_.frame_previous, layout_.frame_code,
                                           layout_.frame_instruction, layout_.frame_owner}) +
                                 word;
        while (frame != 0 && frames.size() < question_.depth && !memory_.is_exhausted()) {
            const MemoryRecord record(memory_, frame, size);
            const bool is_sound =
                record.is_there() && seen.insert(frame).second && add(frame, record, frames);
            if (!is_sound) {
                // Of a walk that leaves the interpreter's own, nothing is trusted.
                return memory_.is_exhausted() ? frames : std::vector<ScriptFrame>{};
            }
            frame = record.pointer(layout_.frame_previous);
        }
        return frames;
    }

    bool add(std::uint64_t frame, const MemoryRecord& record, std::vector<ScriptFrame>& frames) {
        constexpr std::uint64_t tag = 3; // of a _PyStackRef, from 3.14 on
        constexpr std::uint8_t of_generator_or_object = 2;
        constexpr std::uint8_t most_owner = 4;
        if (layout_.frame_owner != 0) {
            const auto owner = record.at<std::uint8_t>(layout_.frame_owner);
            if (owner > of_generator_or_object) {
                return owner <= most_owner; // the interpreter's own, of no function
            }
        } else if (!is_a(frame, "frame")) {
            return false;
        }
        const std::uint64_t code = record.pointer(layout_.frame_code) & ~tag;
        if (!is_a(code, "code")) {
            return false;
        }
        const MemoryRecord members(memory_, code, code_size());
        ScriptFrame& made = frames.emplace_back();
        made.file = text_of(members.pointer(layout_.code_filename));
        made.function = text_of(members.pointer(layout_.code_name));
        made.line = line_of(record, code, members);
        if (made.file.empty()) {
            frames.pop_back();
            return false;
        }
        return true;
    }

    [[nodiscard]] std::size_t code_size() const {
        return std::max(
                   {layout_.code_filename, layout_.code_name, layout_.code_lines, layout_.code_first_line}) +
               word;
    }

    int line_of(const MemoryRecord& frame, std::uint64_t code, const MemoryRecord& members) {
        const std::uint64_t table = members.pointer(layout_.code_lines);
        const auto length = memory_.value<std::uint64_t>(table + length_at).value_or(0);
        constexpr std::uint64_t longest_table = std::uint64_t{1} << 16;
        if (!is_a(table, "bytes") || length == 0 || length > longest_table) {
            return 0;
        }
        const std::vector<std::byte> lines = memory_.bytes(table + bytes_text, length);
        return python_line(layout_.version, lines, members.at<std::int32_t>(layout_.code_first_line),
                           instruction_of(frame, code));
    }

    [[nodiscard]] std::size_t instruction_of(const MemoryRecord& frame, std::uint64_t code) const {
        constexpr unsigned python_3_10 = 0x030a;
        if (layout_.code_instructions != 0) {
            return frame.pointer(layout_.frame_instruction) - code - layout_.code_instructions;
        }
        const auto number = frame.at<std::uint32_t>(layout_.frame_instruction);
        return layout_.version < python_3_10 ? number : number * unit;
    }

    bool is_a(std::uint64_t object, std::string_view name) {
        constexpr std::size_t longest_type_name = 64;
        const std::uint64_t type = memory_.pointer(object + object_type);
        const auto [entry, is_new] = types_.try_emplace(type);
        if (is_new) {
            entry->second = memory_.ended_text(memory_.pointer(type + type_name), longest_type_name);
        }
        return entry->second == name;
    }

    /// Empty: it is no str.
    std::string text_of(std::uint64_t object) {
        if (!is_a(object, "str")) {
            return {};
        }
        const MemoryRecord head(memory_, object, str_state + sizeof(std::uint32_t));
        const std::uint64_t length = head.pointer(length_at);
        // interned : 2, kind : 3, compact : 1, ascii : 1; from 3.14 on interned : 16, whose values are up to
        // 3, where the others would have a kind.
        constexpr std::uint32_t interned = 3;
        std::uint32_t state = head.at<std::uint32_t>(str_state);
        state = (state & 0xffff) <= interned ? state >> 16 : state >> 2;
        const std::uint32_t kind = state & 7;
        const bool is_compact = (state >> 3 & 1) != 0;
        const bool is_ascii = (state >> 4 & 1) != 0;
        if (!is_compact || length == 0 || length > longest_script_text ||
            (kind != 1 && kind != 2 && kind != 4) || (is_ascii && kind != 1)) {
            return {};
        }
        const std::string raw =
            memory_.text(object + (is_ascii ? layout_.ascii_text : layout_.other_text), length * kind);
        return is_ascii ? raw : utf8_of(raw, kind);
    }

    static std::string utf8_of(std::string_view raw, std::size_t kind) {
        std::string text;
        for (std::size_t at = 0; at + kind <= raw.size(); at += kind) {
            std::uint32_t character = 0;
            for (std::size_t byte = kind; byte-- > 0;) {
                character = character << 8 | static_cast<unsigned char>(raw[at + byte]);
            }
            append_utf8(text, character);
        }
        return text;
    }

    const ScriptQuestion& question_;
    ScriptMemory& memory_;
    const PythonLayout& layout_;
    /// By the type's address, since a walk meets three.
    std::map<std::uint64_t, std::string> types_;
};

} // namespace

std::vector<ScriptFrame> read_python_frames(const ScriptQuestion& question) {
    const std::uint64_t runtime = question.exported("_PyRuntime");
    const auto layout = runtime == 0 ? std::nullopt : find_python_layout(question, runtime);
    return layout.has_value() ? PythonReader(question, *layout).read(runtime) : std::vector<ScriptFrame>{};
}

} // namespace portguard
