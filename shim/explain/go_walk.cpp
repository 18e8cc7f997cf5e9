#include "explain/go_walk.h"

#include "explain/go_table.h"

namespace portguard {
namespace {

/// What `call` lies in, where that is Go's.
struct GoCode {
    const CodeImage* image = nullptr;
    std::optional<GoTable> table;

    std::optional<GoTable::Function> find(ProgramMemory& memory, std::uint64_t inside) {
        const CodeImage* const now = memory.image_of(inside);
        if (now != image) {
            image = now;
            table = now == nullptr || now->file == nullptr ? std::nullopt : find_go_table(*now->file);
        }
        return table.has_value() ? table->find(inside - image->bias) : std::nullopt;
    }
};

} // namespace

std::optional<Walk> walk_goroutine(ProgramMemory& memory, std::uint64_t code, std::uint64_t stack_pointer,
                                   std::size_t depth) {
    Walk walk;
    GoCode go;
    CallAddress call{code};
    while (walk.calls.size() < depth) {
        const auto function = go.find(memory, call.inside());
        // Every goroutine's first return address, which nothing called.
        if (!function.has_value() || go.table->name_of(*function) == "runtime.goexit") {
            break;
        }
        walk.calls.push_back(call);
        const auto size = go.table->frame_size(*function, call.inside() - go.image->bias);
        if (!size.has_value()) {
            break;
        }
        const auto back = memory.value<std::uint64_t>(stack_pointer + *size);
        walk.is_cut = !back.has_value();
        if (!back.has_value() || *back == 0) {
            break;
        }
        stack_pointer += *size + sizeof *back;
        call = {*back};
    }
    return walk.calls.empty() ? std::nullopt : std::optional(std::move(walk));
}

} // namespace portguard
