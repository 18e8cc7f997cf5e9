#include "explain/stack.h"

#include <algorithm>
#include <iterator>

#include <fcntl.h>

#include "core/text.h"
#include "explain/debug_lines.h"
#include "explain/elf_symbols.h"

namespace portguard {
namespace {

constexpr std::string_view preloaded_object = "libportguard.so";
// Hook, report and their helpers: more than there are, so that `depth` counts the program's own.
constexpr std::size_t own_frames = 8;

/// Names and lines for the frames of one file, which it reads once.
void name_frames(const LoadedObject& object, std::vector<Frame*>& frames,
                 const std::vector<std::uint64_t>& addresses, const Deadline& deadline,
                 const Syscalls& syscalls) {
    // O_NONBLOCK: the name may be a FIFO's by now.
    const ScopedFd file(direct::open(object.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK), syscalls);
    if (!file.valid()) {
        return;
    }
    const ElfSymbols symbols = read_symbols(file.get(), object.build_id, addresses);
    for (std::size_t index = 0; index < frames.size(); ++index) {
        frames[index]->symbol = symbols.names[index];
    }
    if (!symbols.has_debug_info || deadline.passed() || is_libdw_fatal()) {
        return;
    }
    const std::vector<SourceLine> lines = read_lines(file.get(), addresses, deadline);
    for (std::size_t index = 0; index < frames.size(); ++index) {
        frames[index]->file = lines[index].file;
        frames[index]->line = lines[index].line;
    }
}

void name_all(const CallPath& path, std::vector<Frame>& frames, const Deadline& deadline,
              const Syscalls& syscalls) {
    for (std::size_t object = 0; object < path.map.objects.size() && !deadline.passed(); ++object) {
        std::vector<Frame*> named;
        std::vector<std::uint64_t> addresses;
        for (std::size_t index = 0; index < frames.size(); ++index) {
            if (path.map.object_of[index] == object) {
                named.push_back(&frames[index]);
                addresses.push_back(path.calls[index].inside() - path.map.objects[object].base);
            }
        }
        if (!named.empty()) {
            name_frames(path.map.objects[object], named, addresses, deadline, syscalls);
        }
    }
}

std::size_t count_own_frames(const ObjectMap& map) {
    std::size_t count = 0;
    while (count < map.object_of.size() && map.object_of[count] != ObjectMap::npos &&
           base_name(map.objects[map.object_of[count]].path) == preloaded_object) {
        ++count;
    }
    return count;
}

/// The first `skipped` and all beyond `depth` away.
template <typename Value>
void keep(std::vector<Value>& values, std::size_t skipped, std::size_t depth) {
    values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(skipped));
    values.resize(std::min(values.size(), depth));
}

} // namespace

CallPath walk_stack(void* context, std::size_t depth) {
    CallPath path;
    if (depth == 0) {
        return path;
    }
    const WalkClaim claim;
    if (!claim.is_ours()) {
        path.unavailable = "another walk is under way, or was when this process was forked";
        return path;
    }
    Walk walk = walk_calls(context, depth + own_frames);
    std::vector<std::uintptr_t> inside;
    std::transform(walk.calls.begin(), walk.calls.end(), std::back_inserter(inside),
                   [](const CallAddress& call) { return call.inside(); });
    path.calls = std::move(walk.calls);
    path.unavailable = walk.unavailable;
    path.map = map_objects(inside);
    const std::size_t skipped = count_own_frames(path.map);
    keep(path.calls, skipped, depth);
    keep(path.map.object_of, skipped, depth);
    return path;
}

Stack name_stack(const CallPath& path, const Deadline& deadline, const Syscalls& syscalls) {
    Stack stack;
    stack.unavailable = path.unavailable;
    for (std::size_t index = 0; index < path.calls.size(); ++index) {
        Frame& frame = stack.frames.emplace_back();
        frame.offset = path.calls[index].address;
        if (path.map.object_of[index] != ObjectMap::npos) {
            const LoadedObject& object = path.map.objects[path.map.object_of[index]];
            frame.module = object.path;
            frame.offset -= object.base;
            frame.build_id = object.build_id;
        }
    }
    name_all(path, stack.frames, deadline, syscalls);
    return stack;
}

} // namespace portguard
