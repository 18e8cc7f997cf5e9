#include "explain/script_frames.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/text.h"
#include "explain/elf_lookup.h"
#include "explain/scripts/interpreter.h"

namespace portguard {
namespace {

struct Interpreter {
    std::string_view language;
    /// What only its file exports.
    std::string_view export_name;
    ScriptReader* read;
    /// Beginnings of its file's name where no call of it may have been unwound, below code that was made at
    /// run time; empty: it is always among the calls.
    std::array<std::string_view, 2> file_names;
    /// Parts of the paths of what comes with it, and calls nothing of others.
    std::array<std::string_view, 3> libraries;
    /// What its file's path ends in: what has the path before it in common comes with it; empty: nothing has.
    std::string_view place_in_home{};
};

#if __SIZEOF_POINTER__ == 8
constexpr std::array<Interpreter, 4> interpreters{{
    {"python", "_PyRuntime", read_python_frames, {}, {"/libpython3", "/lib-dynload/"}},
    {"ruby", "ruby_current_vm_ptr", read_ruby_frames, {}, {"/libruby", "/ruby/", "/bin/ruby"}},
    {"javascript",
     "v8dbg_class_JSFunction__shared__SharedFunctionInfo",
     read_node_frames,
     {"node", "libnode.so"},
     {"/libnode.so", "/libuv.so", "/bin/node"}},
    {"java", "gHotSpotVMStructs", read_java_frames, {"libjvm.so"}, {}, "/lib/server/libjvm.so"},
}};
#else
/// Their tables are laid out in another way there.
constexpr std::array<Interpreter, 0> interpreters{};
#endif

// Beginnings of names: of every interpreter's calls, the innermost and the outermost may be of these.
constexpr std::string_view system_libraries[] = {"libc.so", "libc-", "libpthread", "ld-"};

std::uint64_t address_of(const CodeImage& image, std::string_view name) {
    const auto found = image.file == nullptr ? std::nullopt : find_exported(*image.file, name);
    return found.has_value() ? image.bias + *found : 0;
}

/// The first among what was called, the innermost first; else among what is mapped.
const CodeImage* find_image(const Interpreter& interpreter, const CallPath& path, ProgramMemory& memory) {
    const CodeImage* last = nullptr;
    for (const CodeImage* const image : path.images) {
        if (image != nullptr && image != last && address_of(*image, interpreter.export_name) != 0) {
            return image;
        }
        last = image;
    }
    if (std::find(path.images.begin(), path.images.end(), nullptr) == path.images.end()) {
        return nullptr;
    }
    for (const std::string_view prefix : interpreter.file_names) {
        const CodeImage* const image = prefix.empty() ? nullptr : memory.image_named(prefix);
        if (image != nullptr && address_of(*image, interpreter.export_name) != 0) {
            return image;
        }
    }
    return nullptr;
}

std::string_view home_of(std::string_view path, std::string_view place) {
    return !place.empty() && path.ends_with(place) ? path.substr(0, path.size() - place.size() + 1)
                                                   : std::string_view();
}

bool belongs(const Frame& frame, const ScriptStack& script, const Interpreter& interpreter) {
    const auto is_in = [&](std::string_view part) {
        return !part.empty() && frame.module.find(part) != std::string::npos;
    };
    const std::string_view home = home_of(script.interpreter, interpreter.place_in_home);
    const auto begins = [&](std::string_view prefix) { return base_name(frame.module).starts_with(prefix); };
    return frame.module.empty() || frame.module == script.interpreter ||
           (!home.empty() && frame.module.starts_with(home)) ||
           std::any_of(interpreter.libraries.begin(), interpreter.libraries.end(), is_in) ||
           std::any_of(std::begin(system_libraries), std::end(system_libraries), begins);
}

} // namespace

ScriptStack read_script(const Snapshot& snapshot, const CallPath& path, ProgramMemory& memory,
                        const Deadline& deadline) {
    ScriptStack script;
    for (const Interpreter& interpreter : interpreters) {
        const CodeImage* const image = find_image(interpreter, path, memory);
        if (image == nullptr) {
            continue;
        }
        ScriptMemory reader(
            [&memory](std::uint64_t address, std::span<std::byte> out) { return memory.read(address, out); },
            deadline);
        const auto exported = [image](std::string_view name) { return address_of(*image, name); };
        script.frames = interpreter.read({reader, exported, base_name(image->path), snapshot.tid, path.calls,
                                          snapshot.config.limits.stack_depth});
        if (!script.frames.empty()) {
            script.language = interpreter.language;
            script.interpreter = image->path;
            break;
        }
    }
    return script;
}

void add_script(const ScriptStack& script, Stack& stack) {
    const auto* const interpreter =
        std::find_if(std::begin(interpreters), std::end(interpreters),
                     [&](const Interpreter& each) { return each.language == script.language; });
    if (interpreter == std::end(interpreters)) {
        return;
    }
    stack.script = script.frames;
    stack.language = script.language;
    for (Frame& frame : stack.frames) {
        frame.is_interpreters = belongs(frame, script, *interpreter);
    }
}

} // namespace portguard
