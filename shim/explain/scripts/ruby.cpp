// Ruby 3.1: ruby_current_vm_ptr has the threads of the main Ractor, and each has the frames of what it runs.
#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "explain/scripts/glibc_thread.h"
#include "explain/scripts/interpreter.h"

namespace portguard {
namespace {

constexpr std::string_view known_version = "3.1.";

// For 64 bits, vm_core.h and iseq.h of 3.1 (struct rb_vm_struct, rb_thread_struct,
// rb_execution_context_struct, rb_control_frame_struct, rb_iseq_struct, rb_iseq_constant_body).
constexpr std::uint64_t vm_main_ractor = 32;
constexpr std::uint64_t vm_main_thread = 40;
constexpr std::uint64_t thread_next = 0;
constexpr std::uint64_t thread_ractor = 24;
constexpr std::uint64_t thread_vm = 32;
constexpr std::uint64_t thread_context = 40;
constexpr std::uint64_t thread_self = 80;
constexpr std::uint64_t thread_number = 88;
constexpr std::size_t thread_size = 96;
constexpr std::uint64_t context_stack = 0;
constexpr std::uint64_t context_stack_words = 8;
constexpr std::uint64_t context_frame = 16;
constexpr std::size_t context_size = 24;
constexpr std::uint64_t frame_instruction = 0;
constexpr std::uint64_t frame_iseq = 16;
constexpr std::size_t frame_size = 64;
constexpr std::uint64_t iseq_body = 16;
constexpr std::uint64_t body_instruction_count = 4;
constexpr std::uint64_t body_instructions = 8;
constexpr std::uint64_t body_path = 64;
constexpr std::uint64_t body_label = 80;
constexpr std::uint64_t body_lines = 120;
constexpr std::uint64_t body_positions = 128;
constexpr std::uint64_t body_line_count = 136;
constexpr std::uint64_t body_index = 144;
constexpr std::size_t body_size = 152;
/// struct iseq_insn_info_entry: the line comes first.
constexpr std::size_t line_size = 12;

constexpr std::size_t most_threads = 1000;

// include/ruby/internal/fl_type.h, internal/core/rstring.h and rarray.h.
constexpr std::uint64_t type_mask = 0x1f;
constexpr std::uint64_t type_string = 0x05;
constexpr std::uint64_t type_array = 0x07;
constexpr std::uint64_t type_internal = 0x1a;
constexpr std::uint64_t user_flag_1 = std::uint64_t{1} << 13;

class RubyReader {
public:
    explicit RubyReader(const ScriptQuestion& question) : question_(question), memory_(question.memory) {}

    std::vector<ScriptFrame> read(std::uint64_t vm) {
        const std::uint64_t ractor = memory_.pointer(vm + vm_main_ractor);
        const std::uint64_t first = memory_.pointer(vm + vm_main_thread);
        std::uint64_t at = first;
        for (std::size_t count = 0; at != 0 && count < most_threads; ++count) {
            const MemoryRecord thread(memory_, at, thread_size);
            // The list is a ring, and its head is no thread.
            if (thread.pointer(thread_vm) == vm && thread.pointer(thread_ractor) == ractor &&
                is_asking(thread)) {
                return walk(thread.pointer(thread_context));
            }
            at = thread.pointer(thread_next);
            if (at == first) {
                break;
            }
        }
        return {};
    }

private:
    /// Ruby's own number is the parent's after fork(2).
    bool is_asking(const MemoryRecord& thread) {
        return is_glibc_thread(memory_, thread.pointer(thread_self), question_.tid)
            .value_or(thread.at<std::int32_t>(thread_number) == question_.tid);
    }

    std::vector<ScriptFrame> walk(std::uint64_t address) {
        const MemoryRecord context(memory_, address, context_size);
        const std::uint64_t stack = context.pointer(context_stack);
        const std::uint64_t words = context.pointer(context_stack_words);
        constexpr std::uint64_t most_words = std::uint64_t{1} << 27;
        std::uint64_t frame = context.pointer(context_frame);
        if (words > most_words || frame < stack) {
            return {};
        }
        // The outermost is the machine's own.
        const std::uint64_t end = stack + words * sizeof(std::uint64_t) - frame_size;
        std::vector<ScriptFrame> frames;
        for (; frame < end && frames.size() < question_.depth && !memory_.is_exhausted();
             frame += frame_size) {
            const MemoryRecord record(memory_, frame, frame_size);
            const std::uint64_t iseq = record.pointer(frame_iseq);
            const std::uint64_t instruction = record.pointer(frame_instruction);
            const bool is_of_c = record.is_there() && (iseq == 0 || instruction == 0);
            if (!is_of_c && !add(iseq, instruction, frames)) {
                return memory_.is_exhausted() ? frames : std::vector<ScriptFrame>{};
            }
        }
        return frames;
    }

    bool add(std::uint64_t iseq, std::uint64_t instruction, std::vector<ScriptFrame>& frames) {
        // Of T_IMEMO, imemo_iseq (internal/imemo.h).
        constexpr std::uint64_t kind_shift = 12;
        constexpr std::uint64_t kind_mask = 15;
        constexpr std::uint64_t kind_iseq = 7;
        const std::uint64_t flags = memory_.pointer(iseq);
        if ((flags & type_mask) != type_internal || (flags >> kind_shift & kind_mask) != kind_iseq) {
            return false;
        }
        const MemoryRecord body(memory_, memory_.pointer(iseq + iseq_body), body_size);
        ScriptFrame frame;
        frame.file = path_of(body.pointer(body_path));
        frame.function = string_of(body.pointer(body_label));
        frame.line = line_of(body, instruction);
        if (frame.file.empty()) {
            return false;
        }
        frames.push_back(std::move(frame));
        return true;
    }

    /// The absolute path, where it is of a file.
    std::string path_of(std::uint64_t value) {
        constexpr std::uint64_t elements_at = 16;
        constexpr std::uint64_t pointer_at = 32;
        const std::uint64_t flags = memory_.pointer(value);
        if ((flags & type_mask) != type_array) {
            return string_of(value);
        }
        const std::uint64_t elements =
            (flags & user_flag_1) != 0 ? value + elements_at : memory_.pointer(value + pointer_at);
        const std::string real = string_of(memory_.pointer(elements + sizeof(std::uint64_t)));
        return real.empty() ? string_of(memory_.pointer(elements)) : real;
    }

    /// Empty: it is no String.
    std::string string_of(std::uint64_t value) {
        constexpr std::uint64_t text_at = 16;
        constexpr std::uint64_t pointer_at = 24;
        constexpr std::uint64_t length_shift = 14;
        constexpr std::uint64_t length_mask = 31;
        // nil and numbers are no pointers.
        const std::uint64_t flags = (value & 7) == 0 ? memory_.pointer(value) : 0;
        if ((flags & type_mask) != type_string) {
            return {};
        }
        if ((flags & user_flag_1) == 0) {
            return memory_.text(value + text_at, flags >> length_shift & length_mask);
        }
        const std::uint64_t length = memory_.pointer(value + text_at);
        return length > longest_script_text ? std::string()
                                            : memory_.text(memory_.pointer(value + pointer_at), length);
    }

    /// calc_lineno() of vm_backtrace.c and get_insn_info_succinct() of iseq.c.
    int line_of(const MemoryRecord& body, std::uint64_t instruction) {
        const std::uint64_t offset = instruction - body.pointer(body_instructions);
        const std::uint64_t next = offset / sizeof(std::uint64_t);
        const auto count = body.at<std::uint32_t>(body_line_count);
        if (next > body.at<std::uint32_t>(body_instruction_count) || count == 0 ||
            body.pointer(body_positions) != 0) {
            return 0;
        }
        // It points behind the one that runs.
        const auto position = static_cast<std::uint32_t>(next == 0 ? 0 : next - 1);
        const std::uint32_t entry = count == 1 ? 1 : find_entry(body.pointer(body_index), position);
        if (entry == 0 || entry > count) {
            return 0;
        }
        const auto line = memory_.value<std::int32_t>(body.pointer(body_lines) + (entry - 1) * line_size);
        return std::max(line.value_or(0), 0);
    }

    /// succ_index_lookup() of iseq.c: how many entries begin at `position` or before.
    std::uint32_t find_entry(std::uint64_t table, std::uint32_t position) {
        constexpr std::uint32_t immediate = 54;
        constexpr std::uint32_t a_word = 9;
        constexpr std::uint32_t a_block = 512;
        constexpr std::uint64_t block_size = 80;
        constexpr std::uint64_t blocks_at = immediate / a_word * sizeof(std::uint64_t);
        if (position < immediate) {
            const std::uint64_t ranks = memory_.pointer(table + position / a_word * sizeof(std::uint64_t));
            return ranks >> position % a_word * 7 & 0x7f;
        }
        const std::uint32_t behind = position - immediate;
        const MemoryRecord block(memory_, table + blocks_at + behind / a_block * block_size, block_size);
        const std::uint32_t word = behind % a_block / 64;
        const std::uint64_t ranks = block.pointer(8);
        const std::uint64_t before = word == 0 ? 0 : ranks >> (word - 1) * 9 & 0x1ff;
        const std::uint64_t bits = block.pointer(16 + word * sizeof(std::uint64_t));
        return block.at<std::uint32_t>(0) + static_cast<std::uint32_t>(before) +
               static_cast<std::uint32_t>(std::popcount(bits << (63 - behind % 64)));
    }

    const ScriptQuestion& question_;
    ScriptMemory& memory_;
};

} // namespace

std::vector<ScriptFrame> read_ruby_frames(const ScriptQuestion& question) {
    constexpr std::size_t longest_version = 16;
    const std::uint64_t version = question.exported("ruby_version");
    if (!question.memory.ended_text(version, longest_version).starts_with(known_version)) {
        return {};
    }
    return RubyReader(question).read(question.memory.pointer(question.exported("ruby_current_vm_ptr")));
}

} // namespace portguard
