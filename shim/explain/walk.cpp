#include "explain/walk.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include <libunwind.h>

#include "explain/go_walk.h"
#include "explain/sought_frame.h"
#include "explain/unwind_table.h"

// Exported, and in no header: what perf(1) unwinds its samples by (tools/perf/util/unwind-libunwind-local.c).
#define portguard_search_unwind_table UNW_OBJ(dwarf_search_unwind_table)
extern "C" int portguard_search_unwind_table(unw_addr_space_t space, unw_word_t address,
                                             unw_dyn_info_t* table, unw_proc_info_t* info,
                                             int need_unwind_info, void* argument);

namespace portguard {
namespace {

/// What libunwind's questions are answered from.
struct Source {
    ProgramMemory& memory;
    std::span<const std::uint64_t> registers;
    /// The last that was made up.
    UnwindTable table;

    bool read(std::uint64_t address, std::span<std::byte> out) {
        const std::uint64_t offset = address - table.entries_at;
        if (address >= table.entries_at && offset < table.made_up.size() &&
            out.size() <= table.made_up.size() - offset) {
            std::memcpy(out.data(), table.made_up.data() + offset, out.size());
            return true;
        }
        return memory.read(address, out);
    }
};

Source& source_of(void* argument) {
    return *static_cast<Source*>(argument);
}

int search(unw_addr_space_t space, unw_word_t address, const CodeImage& image, const UnwindTable& table,
           unw_proc_info_t* info, int need_unwind_info, void* argument) {
    const Mapping* const mapping = source_of(argument).memory.mapping_of(address);
    unw_dyn_info_t wanted{};
    wanted.format = UNW_INFO_FORMAT_REMOTE_TABLE;
    // Of 32 bits, where the program's are.
    const auto as_word = [](std::uint64_t value) { return static_cast<unw_word_t>(value); };
    wanted.start_ip = as_word(std::min(mapping->start, image.start));
    wanted.end_ip = as_word(mapping->end);
    wanted.u.rti.segbase = as_word(table.origin);
    wanted.u.rti.table_data = as_word(table.entries_at);
    constexpr std::size_t entry_size = 8;
    wanted.u.rti.table_len = as_word(table.entries * entry_size / sizeof(unw_word_t));
    return portguard_search_unwind_table(space, address, &wanted, info, need_unwind_info, argument);
}

int find_procedure(unw_addr_space_t space, unw_word_t address, unw_proc_info_t* info, int need_unwind_info,
                   void* argument) {
    Source& source = source_of(argument);
    const CodeImage* const image = source.memory.image_of(address);
    if (image == nullptr) {
        return -UNW_ENOINFO;
    }
    source.table = {};
    const auto sorted = find_sorted_table(*image, source.memory);
    if (sorted.has_value() &&
        search(space, address, *image, *sorted, info, need_unwind_info, argument) == UNW_ESUCCESS) {
        return UNW_ESUCCESS;
    }
    auto made = make_table(*image, address);
    if (!made.has_value()) {
        return -UNW_ENOINFO;
    }
    source.table = std::move(*made);
    return search(space, address, *image, source.table, info, need_unwind_info, argument);
}

int access_memory(unw_addr_space_t /*space*/, unw_word_t address, unw_word_t* value, int write,
                  void* argument) {
    const bool known =
        write == 0 && source_of(argument).read(address, std::as_writable_bytes(std::span(value, 1)));
    return known ? UNW_ESUCCESS : -UNW_EINVAL;
}

/// libunwind counts as DWARF does, but for i386.
constexpr unw_regnum_t dwarf_number(unw_regnum_t number) {
#if defined(__i386__)
    // eax, edx, ecx, ebx, esi, edi, ebp, esp, eip
    constexpr unw_regnum_t numbers[] = {0, 2, 1, 3, 6, 7, 5, 4, 8};
    static_assert(UNW_X86_EDX == 1 && UNW_X86_ESI == 4 && UNW_X86_EBP == 6 && UNW_X86_EIP == 8);
    return number >= 0 && number <= UNW_X86_EIP ? numbers[number] : -1;
#else
    return number;
#endif
}

int access_register(unw_addr_space_t /*space*/, unw_regnum_t number, unw_word_t* value, int write,
                    void* argument) {
    const std::span<const std::uint64_t> registers = source_of(argument).registers;
    const unw_regnum_t dwarf = dwarf_number(number);
    if (write != 0 || dwarf < 0 || static_cast<std::size_t>(dwarf) >= registers.size()) {
        return -UNW_EBADREG;
    }
    *value = static_cast<unw_word_t>(registers[static_cast<std::size_t>(dwarf)]);
    return UNW_ESUCCESS;
}

/// For those that libunwind must be able to call, and that an address is found without.
template <typename... Arguments>
int no_answer(Arguments...) {
    return -UNW_ENOINFO;
}

void keep_nothing(unw_addr_space_t /*space*/, unw_proc_info_t* /*info*/, void* /*argument*/) {}

unw_accessors_t accessors() {
    unw_accessors_t made{};
    made.find_proc_info = find_procedure;
    made.put_unwind_info = keep_nothing;
    made.get_dyn_info_list_addr = no_answer;
    made.access_mem = access_memory;
    made.access_reg = access_register;
    made.access_fpreg = no_answer;
    made.resume = no_answer;
    made.get_proc_name = no_answer;
    return made;
}

#if defined(__x86_64__)
constexpr unw_regnum_t frame_pointer_number = UNW_X86_64_RBP;
#elif defined(__i386__)
constexpr unw_regnum_t frame_pointer_number = UNW_X86_EBP;
#elif defined(__aarch64__)
constexpr unw_regnum_t frame_pointer_number = UNW_AARCH64_X29;
#endif

std::uint64_t register_of(unw_cursor_t& cursor, unw_regnum_t number) {
    unw_word_t value = 0;
    unw_get_reg(&cursor, number, &value);
    return value;
}

/// Of the function that `cursor` stands in; 0: not known.
std::uint64_t function_of(unw_cursor_t& cursor) {
    unw_proc_info_t info{};
    return unw_get_proc_info(&cursor, &info) == UNW_ESUCCESS ? info.start_ip : 0;
}

/// Where the walk ended for want of `lost`, the register of the frame.
struct LostFrame {
    std::uint64_t stack_pointer = 0;
    std::uint64_t function = 0;
};

/// What could not be read is of the stack, or of the code itself that was called (i386 returns from a signal
/// handler in the vdso). At its very end a walk may look for more, and elsewhere.
bool is_needed(const ProgramMemory& memory, std::uint64_t code) {
    return memory.is_of_stack(memory.missed()) ||
           memory.mapping_of(memory.missed()) == memory.mapping_of(code);
}

Walk walk_with(ProgramMemory& memory, std::span<const std::uint64_t> registers, std::size_t depth,
               LostFrame& lost) {
    Walk walk;
    Source source{memory, registers, {}};
    unw_accessors_t answers = accessors();
    const unw_addr_space_t space = unw_create_addr_space(&answers, 0);
    unw_cursor_t cursor;
    if (space == nullptr || unw_init_remote(&cursor, space, &source) != UNW_ESUCCESS) {
        walk.unavailable = "libunwind does not take the registers";
        return walk;
    }
    std::uint64_t stack_pointer = 0;
    bool interrupted = false;
    while (walk.calls.size() < depth) {
        const CallAddress call{register_of(cursor, UNW_REG_IP), interrupted,
                               register_of(cursor, frame_pointer_number)};
        const std::uint64_t here = register_of(cursor, UNW_REG_SP);
        const bool stuck =
            !walk.calls.empty() && here == stack_pointer && walk.calls.back().address == call.address;
        if (call.address == 0 || stuck) {
            // On aarch64 what a handler returns to is in no file, and libunwind knows it by its code.
            walk.is_cut = stuck && memory.missed() == call.address;
            break;
        }
        walk.calls.push_back(call);
        stack_pointer = here;
        interrupted = unw_is_signal_frame(&cursor) > 0;
        memory.forget_missed();
        if (call.frame_pointer == 0 && !interrupted) {
            lost = {here, function_of(cursor)};
        }
        if (unw_step(&cursor) <= 0) {
            walk.is_cut = memory.missed() != 0 && (interrupted || is_needed(memory, call.address));
            break;
        }
    }
    unw_destroy_addr_space(space);
    return walk;
}

} // namespace

Walk walk_calls(ProgramMemory& memory, std::span<const std::uint64_t> registers, std::size_t depth) {
#if defined(__x86_64__)
    constexpr std::size_t stack_register = 7; // rsp, by DWARF number
    constexpr std::size_t code_register = 16; // rip
    if (auto of_goroutine =
            walk_goroutine(memory, registers[code_register], registers[stack_register], depth)) {
        return std::move(*of_goroutine);
    }
#endif
    LostFrame lost;
    Walk walk = walk_with(memory, registers, depth, lost);
#if defined(__x86_64__)
    constexpr std::size_t frame_register = 6; // rbp, by DWARF number
    // One that was there and holds 0 is the outermost frame's, and of no function that something calls.
    const auto found = registers[frame_register] == 0 && lost.function != 0 && walk.calls.size() < depth
                           ? seek_frame_pointer(memory, lost.stack_pointer, lost.function)
                           : std::nullopt;
    if (found.has_value()) {
        std::vector<std::uint64_t> completed(registers.begin(), registers.end());
        completed[frame_register] = *found;
        Walk again = walk_with(memory, completed, depth, lost);
        return again.calls.size() > walk.calls.size() ? again : walk;
    }
#endif
    return walk;
}

} // namespace portguard
