#include "diagnosis/stack.h"

#include <algorithm>
#include <iterator>

#include <fcntl.h>

#include "core/text.h"
#include "diagnosis/debug_lines.h"
#include "diagnosis/elf_symbols.h"
#include "diagnosis/loaded_objects.h"
#include "diagnosis/walk.h"

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
    const ScopedFd file(open(object.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK), syscalls);
    if (!file.valid()) {
        return;
    }
    const ElfSymbols symbols = read_symbols(file.get(), object.build_id, addresses);
    for (std::size_t index = 0; index < frames.size(); ++index) {
        frames[index]->symbol = symbols.names[index];
    }
    if (!symbols.has_debug_info || deadline.passed()) {
        return;
    }
    const std::vector<SourceLine> lines = read_lines(file.get(), addresses, deadline);
    for (std::size_t index = 0; index < frames.size(); ++index) {
        frames[index]->file = lines[index].file;
        frames[index]->line = lines[index].line;
    }
}

void name_all(const ObjectMap& map, const std::vector<std::uintptr_t>& inside, std::size_t skipped,
              std::vector<Frame>& frames, const Deadline& deadline, const Syscalls& syscalls) {
    for (std::size_t object = 0; object < map.objects.size() && !deadline.passed(); ++object) {
        std::vector<Frame*> named;
        std::vector<std::uint64_t> addresses;
        for (std::size_t index = skipped; index < skipped + frames.size(); ++index) {
            if (map.object_of[index] == object) {
                named.push_back(&frames[index - skipped]);
                addresses.push_back(inside[index] - map.objects[object].base);
            }
        }
        if (!named.empty()) {
            name_frames(map.objects[object], named, addresses, deadline, syscalls);
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

} // namespace

Stack read_stack(void* context, std::size_t depth, const Deadline& deadline, const Syscalls& syscalls) {
    Stack stack;
    Walk walk;
    std::vector<std::uintptr_t> inside;
    ObjectMap map;
    {
        const WalkClaim claim;
        if (!claim.is_ours()) {
            stack.unavailable = "another walk is under way, or was when this process was forked";
            return stack;
        }
        walk = walk_calls(context, depth + own_frames);
        std::transform(walk.calls.begin(), walk.calls.end(), std::back_inserter(inside),
                       [](const CallAddress& call) { return call.inside(); });
        map = map_objects(inside);
    }
    stack.unavailable = walk.unavailable;
    const std::size_t skipped = count_own_frames(map);
    const std::size_t end = std::min(walk.calls.size(), skipped + depth);
    for (std::size_t index = skipped; index < end; ++index) {
        Frame& frame = stack.frames.emplace_back();
        frame.offset = walk.calls[index].address;
        if (map.object_of[index] != ObjectMap::npos) {
            const LoadedObject& object = map.objects[map.object_of[index]];
            frame.module = object.path;
            frame.offset -= object.base;
            frame.build_id = object.build_id;
        }
    }
    name_all(map, inside, skipped, stack.frames, deadline, syscalls);
    return stack;
}

} // namespace portguard
