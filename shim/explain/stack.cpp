#include "explain/stack.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/text.h"
#include "explain/debug_lines.h"
#include "explain/elf_symbols.h"
#include "explain/go_table.h"

namespace portguard {
namespace {

constexpr std::string_view preloaded_object = "libportguard.so";
// Hook, report and their helpers: more than there are, so that `depth` counts the program's own.
constexpr std::size_t own_frames = 8;

#if defined(__x86_64__)
constexpr std::uint16_t own_machine = machine_x86_64;
#elif defined(__aarch64__)
constexpr std::uint16_t own_machine = machine_aarch64;
#elif defined(__i386__)
constexpr std::uint16_t own_machine = machine_i386;
#endif

/// Of a Go program: what a stripped one has not left out.
void name_by_go(const ElfImage& file, std::vector<Frame*>& frames,
                const std::vector<std::uint64_t>& addresses) {
    const auto table = find_go_table(file);
    for (std::size_t index = 0; table.has_value() && index < frames.size(); ++index) {
        const auto function = table->find(addresses[index]);
        if (!function.has_value()) {
            continue;
        }
        Frame& frame = *frames[index];
        if (frame.symbol.empty()) {
            frame.symbol = table->name_of(*function);
        }
        if (frame.file.empty()) {
            SourceLine line = table->line_of(*function, addresses[index]);
            frame.file = std::move(line.file);
            frame.line = line.line;
        }
    }
}

/// Names and lines for the frames of one file.
void name_frames(const ElfImage& file, std::vector<Frame*>& frames,
                 const std::vector<std::uint64_t>& addresses, const Deadline& deadline) {
    const std::vector<std::string> symbols = find_symbols(file, addresses);
    for (std::size_t index = 0; index < frames.size(); ++index) {
        frames[index]->symbol = symbols[index];
    }
    if (deadline.passed()) {
        name_by_go(file, frames, addresses);
        return;
    }
    const std::vector<SourceLine> lines = read_lines(file, addresses, deadline);
    for (std::size_t index = 0; index < frames.size(); ++index) {
        frames[index]->file = lines[index].file;
        frames[index]->line = lines[index].line;
    }
    name_by_go(file, frames, addresses);
}

/// False: the deadline passed before the last file.
bool name_all(const CallPath& path, std::vector<Frame>& frames, const Deadline& deadline) {
    std::vector<const CodeImage*> done;
    for (const CodeImage* const image : path.images) {
        if (image == nullptr || image->file == nullptr ||
            std::find(done.begin(), done.end(), image) != done.end()) {
            continue;
        }
        if (deadline.passed()) {
            return false;
        }
        done.push_back(image);
        std::vector<Frame*> named;
        std::vector<std::uint64_t> addresses;
        for (std::size_t index = 0; index < frames.size(); ++index) {
            if (path.images[index] == image) {
                named.push_back(&frames[index]);
                addresses.push_back(path.calls[index].inside() - image->bias);
            }
        }
        name_frames(*image->file, named, addresses, deadline);
    }
    return true;
}

/// And the vdso, through which i386 enters the kernel.
std::size_t count_own_frames(const std::vector<const CodeImage*>& images) {
    const auto end = std::find_if(images.begin(), images.end(), [](const CodeImage* image) {
        return image == nullptr || (base_name(image->path) != preloaded_object && image->path != "[vdso]");
    });
    return static_cast<std::size_t>(end - images.begin());
}

/// The first `skipped` and all beyond `depth` away.
template <typename Value>
void keep(std::vector<Value>& values, std::size_t skipped, std::size_t depth) {
    values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(skipped));
    values.resize(std::min(values.size(), depth));
}

std::string_view reason_for_none(const Snapshot& snapshot, const ProgramMemory& memory) {
    if (snapshot.stack_bytes == 0 && !snapshot.has_memory) {
        return "the stack (it was not copied)";
    }
    if (snapshot.machine != own_machine) {
        // Whoever has both executes the one for the program (tools/supervise).
        return snapshot.machine == machine_i386
                   ? "the stack (of an i386 program: portguard-explain for i386 is not installed)"
                   : "the stack (of a program for another machine)";
    }
    return memory.has_mappings() ? "" : "the stack (/proc/PID/maps was not to be had)";
}

} // namespace

CallPath walk_stack(const Snapshot& snapshot, ProgramMemory& memory) {
    CallPath path;
    const std::size_t depth = snapshot.config.limits.stack_depth;
    if (depth == 0) {
        return path;
    }
    path.missing = reason_for_none(snapshot, memory);
    if (!path.missing.empty()) {
        return path;
    }
    Walk walk = walk_calls(memory, snapshot.registers, depth + own_frames);
    std::transform(walk.calls.begin(), walk.calls.end(), std::back_inserter(path.images),
                   [&](const CallAddress& call) { return memory.image_of(call.inside()); });
    path.calls = std::move(walk.calls);
    const std::size_t skipped = count_own_frames(path.images);
    keep(path.calls, skipped, depth);
    keep(path.images, skipped, depth);
    if (walk.is_cut && path.calls.size() < depth) {
        path.missing = "the outer part of the stack (only the innermost 64 KiB are copied)";
    }
    return path;
}

Stack name_stack(const CallPath& path, const Deadline& deadline) {
    Stack stack;
    stack.missing = path.missing;
    for (std::size_t index = 0; index < path.calls.size(); ++index) {
        Frame& frame = stack.frames.emplace_back();
        frame.offset = path.calls[index].address;
        if (const CodeImage* const image = path.images[index]; image != nullptr) {
            frame.module = image->path;
            frame.offset -= image->bias;
            frame.build_id = image->build_id;
        }
    }
    if (!name_all(path, stack.frames, deadline) && stack.missing.empty()) {
        stack.missing = "names of functions in the stack (out of time)";
    }
    return stack;
}

} // namespace portguard
