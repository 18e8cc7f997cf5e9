// The calls that the benches make, by name.
#pragma once

#include <span>
#include <string_view>

namespace portguard::bench {

/// One way of making one call; `make` does it once.
struct NamedCall {
    std::string_view name;
    /// Calls that bring the descriptor into the state in which `make` is measured; may be null.
    void (*prepare)();
    void (*make)();
};

std::span<const NamedCall> all_calls();
/// Null: no call has this name.
const NamedCall* find_call(std::string_view name);

} // namespace portguard::bench
