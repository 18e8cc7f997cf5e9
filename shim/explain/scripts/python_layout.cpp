#include "explain/scripts/python_layout.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/number.h"

namespace portguard {
namespace {

constexpr unsigned python_3_9 = 0x0309;
constexpr unsigned python_3_13 = 0x030d;
constexpr unsigned python_3_14 = 0x030e;

// offsetof() in the headers of 3.9.18, 3.10.13, 3.11.2 and 3.12.1 for 64 bits (Include/internal/pycore_*.h);
// a series keeps them, since extensions are built against them.
constexpr PythonLayout known[] = {
    {.version = python_3_9,
     .runtime_interpreters = 32,
     .interpreter_next = 0,
     .interpreter_threads = 8,
     .thread_next = 8,
     .thread_id = 176,
     .thread_frame = 24,
     .frame_previous = 24,
     .frame_code = 32,
     .frame_instruction = 104,
     .code_filename = 104,
     .code_name = 112,
     .code_lines = 120,
     .code_first_line = 40,
     .ascii_text = 48,
     .other_text = 72},
    {.version = 0x030a,
     .runtime_interpreters = 32,
     .interpreter_next = 0,
     .interpreter_threads = 8,
     .thread_next = 8,
     .thread_id = 176,
     .thread_frame = 24,
     .frame_previous = 24,
     .frame_code = 32,
     .frame_instruction = 96,
     .code_filename = 104,
     .code_name = 112,
     .code_lines = 120,
     .code_first_line = 40,
     .ascii_text = 48,
     .other_text = 72},
    {.version = 0x030b,
     .runtime_interpreters = 40,
     .interpreter_next = 0,
     .interpreter_threads = 16,
     .thread_next = 8,
     .thread_id = 152,
     .thread_native_id = 160,
     .thread_frame = 56,
     .frame_in_cframe = 8,
     .frame_previous = 48,
     .frame_code = 32,
     .frame_instruction = 56,
     .frame_owner = 69,
     .code_filename = 112,
     .code_name = 128,
     .code_lines = 136,
     .code_first_line = 72,
     .code_instructions = 184,
     .ascii_text = 48,
     .other_text = 72},
    {.version = 0x030c,
     .runtime_interpreters = 40,
     .interpreter_next = 0,
     .interpreter_threads = 72,
     .thread_next = 8,
     .thread_id = 136,
     .thread_native_id = 144,
     .thread_frame = 56,
     .frame_in_cframe = 0,
     .frame_previous = 8,
     .frame_code = 0,
     .frame_instruction = 56,
     .frame_owner = 70,
     .code_filename = 112,
     .code_name = 128,
     .code_lines = 136,
     .code_first_line = 68,
     .code_instructions = 192,
     .ascii_text = 40,
     .other_text = 56},
};

/// _Py_DebugOffsets, as far as it is needed (Include/internal/pycore_debug_offsets.h): _PyRuntime begins with
/// it from 3.13 on. The numbers of each block's words are those of its first words; blocks grow at their ends
/// and in the middle, so that each release has places of its own.
struct DebugOffsets {
    std::size_t runtime;
    std::size_t interpreter;
    /// In `interpreter`.
    std::size_t threads_head;
    std::size_t thread;
    std::size_t frame;
    std::size_t code;
};
constexpr std::size_t words_before_runtime = 3;
// Words in the blocks before: runtime_state 3; interpreter_state 13, in 3.14 16 ("threads_main",
// "code_object_generation", "tlbc_generation"); thread_state 9; interpreter_frame 6, in 3.14 8.
constexpr DebugOffsets in_3_13{words_before_runtime, 6, 3, 19, 28, 34};
constexpr DebugOffsets in_3_14{words_before_runtime, 6, 3, 22, 31, 39};
constexpr std::size_t debug_words = 64;

/// An object of the interpreter's own is smaller, but for PyInterpreterState and _PyRuntime.
constexpr std::uint64_t most_offset = std::uint64_t{1} << 20;

std::optional<PythonLayout> layout_by_debug_offsets(ScriptMemory& memory, std::uint64_t runtime) {
    constexpr std::string_view cookie = "xdebugpy";
    const auto words = memory.value<std::array<std::uint64_t, debug_words>>(runtime);
    if (!words.has_value() || std::memcmp(words->data(), cookie.data(), cookie.size()) != 0) {
        return std::nullopt;
    }
    const auto version = static_cast<unsigned>((*words)[1] >> 16);
    const bool is_free_threaded = (*words)[2] != 0;
    // A build without a GIL has other str and code objects.
    if ((version != python_3_13 && version != python_3_14) || is_free_threaded) {
        return std::nullopt;
    }
    const DebugOffsets& at = version == python_3_13 ? in_3_13 : in_3_14;
    const auto word = [&](std::size_t index) { return (*words)[index]; };
    PythonLayout layout{
        .version = version,
        .runtime_interpreters = word(at.runtime + 2),
        .interpreter_next = word(at.interpreter + 2),
        .interpreter_threads = word(at.interpreter + at.threads_head),
        .thread_next = word(at.thread + 2),
        .thread_id = word(at.thread + 5),
        .thread_native_id = word(at.thread + 6),
        .thread_frame = word(at.thread + 4),
        .frame_previous = word(at.frame + 1),
        .frame_code = word(at.frame + 2),
        .frame_instruction = word(at.frame + 3),
        .frame_owner = word(at.frame + 5),
        .code_filename = word(at.code + 1),
        .code_name = word(at.code + 3),
        .code_lines = word(at.code + 4),
        .code_first_line = word(at.code + 5),
        .code_instructions = word(at.code + 9),
        .ascii_text = 40,
        .other_text = 56,
    };
    for (const std::uint64_t offset :
         {layout.runtime_interpreters, layout.interpreter_next, layout.interpreter_threads,
          layout.thread_next, layout.thread_native_id, layout.thread_frame, layout.frame_previous,
          layout.frame_code, layout.frame_instruction, layout.frame_owner, layout.code_filename,
          layout.code_name, layout.code_lines, layout.code_first_line, layout.code_instructions}) {
        if (offset > most_offset) {
            return std::nullopt;
        }
    }
    return layout;
}

/// "python3.9", "libpython3.10.so.1.0".
unsigned version_in_name(std::string_view name) {
    constexpr std::string_view prefix = "python3.";
    const std::size_t found = name.find(prefix);
    if (found == std::string_view::npos) {
        return 0;
    }
    name.remove_prefix(found + prefix.size());
    const auto minor = parse_number<unsigned>(name.substr(0, name.find_first_not_of("0123456789")));
    return minor.has_value() ? 0x0300 + *minor : 0;
}

} // namespace

std::optional<PythonLayout> find_python_layout(const ScriptQuestion& question, std::uint64_t runtime) {
    if (auto layout = layout_by_debug_offsets(question.memory, runtime)) {
        return layout;
    }
    // PY_VERSION_HEX, from 3.11 on.
    const std::uint64_t named = question.exported("Py_Version");
    const unsigned version = named != 0 ? question.memory.value<std::uint32_t>(named).value_or(0) >> 16
                                        : version_in_name(question.file_name);
    const auto* const found =
        std::find_if(std::begin(known), std::end(known),
                     [version](const PythonLayout& each) { return each.version == version; });
    return found == std::end(known) ? std::nullopt : std::optional(*found);
}

} // namespace portguard
