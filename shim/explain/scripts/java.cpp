// HotSpot: what its interpreter keeps in each frame. Code that it has compiled keeps no such frame, and is
// left out.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "explain/scripts/hotspot_tables.h"
#include "explain/scripts/interpreter.h"

namespace portguard {
namespace {

// What this was tried on; 20 packs the numbers of its line tables otherwise.
constexpr std::int32_t first_version = 11;
constexpr std::int32_t last_version = 19;

// From a frame's beginning downwards (frame_x86.hpp, frame_aarch64.hpp: interpreter_frame_method_offset -3,
// interpreter_frame_bcp_offset -8), in both.
constexpr std::uint64_t method_below = 24;
constexpr std::uint64_t bytecode_below = 64;

/// Offsets.
struct Layout {
    std::uint64_t code_buffer = 0;
    std::uint64_t code_size = 0;
    std::uint64_t method_const = 0;
    std::uint64_t method_access = 0;
    std::uint64_t const_pool = 0;
    std::uint64_t const_words = 0;
    std::uint64_t const_flags = 0;
    std::uint64_t const_code_size = 0;
    std::uint64_t const_name = 0;
    std::uint64_t const_size = 0;
    std::uint64_t pool_holder = 0;
    std::uint64_t pool_length = 0;
    std::uint64_t pool_source = 0;
    std::uint64_t pool_size = 0;
    std::uint64_t class_name = 0;
    std::uint64_t symbol_length = 0;
    std::uint64_t symbol_text = 0;
    std::uint16_t has_lines = 0;
};

Layout layout_by(HotSpotTables& tables) {
    return {.code_buffer = tables.offset("StubQueue", "_stub_buffer"),
            .code_size = tables.offset("StubQueue", "_buffer_limit"),
            .method_const = tables.offset("Method", "_constMethod"),
            .method_access = tables.offset("Method", "_access_flags"),
            .const_pool = tables.offset("ConstMethod", "_constants"),
            .const_words = tables.offset("ConstMethod", "_constMethod_size"),
            .const_flags = tables.offset("ConstMethod", "_flags"),
            .const_code_size = tables.offset("ConstMethod", "_code_size"),
            .const_name = tables.offset("ConstMethod", "_name_index"),
            .const_size = tables.size("ConstMethod"),
            .pool_holder = tables.offset("ConstantPool", "_pool_holder"),
            .pool_length = tables.offset("ConstantPool", "_length"),
            .pool_source = tables.has("ConstantPool", "_source_file_name_index")
                               ? tables.offset("ConstantPool", "_source_file_name_index")
                               : 0,
            .pool_size = tables.size("ConstantPool"),
            .class_name = tables.offset("Klass", "_name"),
            .symbol_length = tables.offset("Symbol", "_length"),
            .symbol_text = tables.offset("Symbol", "_body[0]"),
            .has_lines = static_cast<std::uint16_t>(tables.constant("ConstMethod::_has_linenumber_table"))};
}

/// A CompressedLineNumberReadStream (share/code/compressedStream.hpp, oops/method.hpp).
class LineTable {
public:
    explicit LineTable(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

    /// 0: none.
    int line_of(std::int64_t bytecode) {
        constexpr unsigned end = 0;
        constexpr unsigned in_full = 0xff;
        std::int64_t at = 0;
        std::int64_t line = 0;
        std::int64_t best = 0;
        for (unsigned byte = next(); byte != end; byte = next()) {
            at += byte == in_full ? signed_number() : byte >> 3;
            line += byte == in_full ? signed_number() : byte & 7;
            if (at > bytecode) {
                break;
            }
            best = line;
        }
        constexpr std::int64_t most_lines = 65535;
        return best < 0 || best > most_lines ? 0 : static_cast<int>(best);
    }

private:
    unsigned next() { return at_ < bytes_.size() ? std::to_integer<unsigned>(bytes_[at_++]) : 0; }

    /// Up to five bytes: one below 192 is the last.
    std::int64_t signed_number() {
        constexpr unsigned last_below = 192;
        constexpr unsigned most_shift = 24;
        std::uint32_t sum = 0;
        unsigned byte = last_below;
        for (unsigned shift = 0; byte >= last_below && shift <= most_shift; shift += 6) {
            byte = next();
            sum += byte << shift;
        }
        const std::int64_t magnitude = sum >> 1;
        return (sum & 1) != 0 ? ~magnitude : magnitude;
    }

    std::vector<std::byte> bytes_;
    std::size_t at_ = 0;
};

class JavaReader {
public:
    JavaReader(const ScriptQuestion& question, const Layout& layout)
        : question_(question), memory_(question.memory), layout_(layout) {}

    std::vector<ScriptFrame> read(std::uint64_t interpreter_code) {
        const std::uint64_t start = memory_.pointer(interpreter_code + layout_.code_buffer);
        const auto size = memory_.value<std::uint32_t>(interpreter_code + layout_.code_size).value_or(0);
        std::vector<ScriptFrame> frames;
        for (const CallAddress& call : question_.calls) {
            if (call.inside() < start || call.inside() - start >= size || frames.size() >= question_.depth) {
                continue;
            }
            // What enters the interpreter lies there as well, and has no frame of a method's.
            if (auto frame = frame_at(call.frame_pointer)) {
                frames.push_back(std::move(*frame));
            }
        }
        return frames;
    }

private:
    std::optional<ScriptFrame> frame_at(std::uint64_t frame) {
        const std::uint64_t method = memory_.pointer(frame - method_below);
        const std::uint64_t bytecode = memory_.pointer(frame - bytecode_below);
        const std::uint64_t constant = memory_.pointer(method + layout_.method_const);
        const MemoryRecord about(memory_, constant, layout_.const_size);
        const auto code_size = about.at<std::uint16_t>(layout_.const_code_size);
        const std::uint64_t code = constant + layout_.const_size;
        constexpr std::uint32_t native = 0x100;
        const bool is_native =
            code_size == 0 &&
            (memory_.value<std::uint32_t>(method + layout_.method_access).value_or(0) & native) != 0;
        if (!about.is_there() || (!is_native && (bytecode < code || bytecode - code >= code_size))) {
            return std::nullopt;
        }
        const MemoryRecord pool(memory_, about.pointer(layout_.const_pool), layout_.pool_size);
        const std::uint64_t holder = pool.pointer(layout_.pool_holder);
        std::string name = symbol_at(memory_.pointer(holder + layout_.class_name));
        const std::string method_name = symbol_of(about, about.at<std::uint16_t>(layout_.const_name), pool);
        // Classes of a lambda's, "Door$$Lambda$208+0x00007fd2c0140208", are in no stack of Java's own either.
        const bool is_hidden = name.find("+0x") != std::string::npos || name.find("/0x") != std::string::npos;
        if (name.empty() || method_name.empty() || is_hidden) {
            return std::nullopt;
        }
        std::replace(name.begin(), name.end(), '/', '.');
        ScriptFrame made;
        made.function = name + "." + method_name;
        made.file = layout_.pool_source == 0
                        ? ""
                        : symbol_of(about, pool.at<std::uint16_t>(layout_.pool_source), pool);
        made.line = is_native ? 0 : line_of(constant, about, bytecode - code);
        return made;
    }

    std::string symbol_of(const MemoryRecord& about, std::uint16_t index, const MemoryRecord& pool) {
        const auto length = pool.at<std::int32_t>(layout_.pool_length);
        if (index == 0 || index >= length) {
            return {};
        }
        const std::uint64_t entries = about.pointer(layout_.const_pool) + layout_.pool_size;
        return symbol_at(memory_.pointer(entries + index * sizeof(std::uint64_t)));
    }

    /// A name is of UTF-8, but for NUL and what needs a surrogate.
    std::string symbol_at(std::uint64_t symbol) {
        const auto length = memory_.value<std::uint16_t>(symbol + layout_.symbol_length).value_or(0);
        return length > longest_script_text ? std::string()
                                            : memory_.text(symbol + layout_.symbol_text, length);
    }

    int line_of(std::uint64_t constant, const MemoryRecord& about, std::uint64_t bytecode) {
        constexpr std::uint64_t most_bytes = 65536;
        const std::uint64_t lines = layout_.const_size + about.at<std::uint16_t>(layout_.const_code_size);
        const std::uint64_t end = sizeof(std::uint64_t) * about.at<std::uint32_t>(layout_.const_words);
        if ((about.at<std::uint16_t>(layout_.const_flags) & layout_.has_lines) == 0 || end <= lines) {
            return 0;
        }
        LineTable table(memory_.bytes(constant + lines, std::min(end - lines, most_bytes)));
        return table.line_of(static_cast<std::int64_t>(bytecode));
    }

    const ScriptQuestion& question_;
    ScriptMemory& memory_;
    const Layout& layout_;
};

} // namespace

std::vector<ScriptFrame> read_java_frames(const ScriptQuestion& question) {
    auto tables = HotSpotTables::read(question);
    if (!tables.has_value()) {
        return {};
    }
    const std::uint64_t version_at = tables->address("Abstract_VM_Version", "_vm_major_version");
    const std::uint64_t code_at = tables->address("AbstractInterpreter", "_code");
    const Layout layout = layout_by(*tables);
    const auto version = question.memory.value<std::int32_t>(version_at).value_or(0);
    if (!tables->is_complete() || version < first_version || version > last_version) {
        return {};
    }
    return JavaReader(question, layout).read(question.memory.pointer(code_at));
}

} // namespace portguard
